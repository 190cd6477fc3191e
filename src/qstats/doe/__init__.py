"""Design and analysis of experiments: ``qstats.doe.NAME``; names load their module on first use."""

from importlib import import_module
from typing import Any

_HOME = {
    "qstats.doe.design": ("Design",),
    "qstats.doe.factor": ("Factor",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'qstats.doe' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
