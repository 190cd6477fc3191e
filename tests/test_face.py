"""The face: what `import qstats` loads, and that every public name is there and documented."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import qstats

HEAVY = ("pandas", "scipy.stats", "statsmodels", "matplotlib", "pyDOE3", "narwhals", "jinja2", "tqdm")


def _modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(out.stdout.split())


def test_import_loads_nothing_heavy() -> None:
    loaded = _modules_after("import qstats")
    assert not [name for name in HEAVY if name in loaded]


def test_import_adds_only_the_face_to_numpy() -> None:
    # The cost in modules over numpy is a count that does not depend on the machine: the face itself and nothing else.
    extra = _modules_after("import numpy, importlib, typing; import qstats") - _modules_after(
        "import numpy, importlib, typing"
    )
    assert extra <= {"qstats"}


def test_a_chart_loads_no_frame_and_no_plot_library() -> None:
    loaded = _modules_after("from qstats import individuals; individuals([1.0, 2, 3, 2, 1, 4, 2, 3, 1, 2, 3, 2])")
    assert not [name for name in HEAVY if name in loaded]


def test_matplotlib_is_absent_until_plot() -> None:
    code = "from qstats import compare_rates; r = compare_rates(3, 10, 9, 10); r.to_json(); r.summary()"
    assert "matplotlib" not in _modules_after(code)
    assert "matplotlib" in _modules_after(code + "; r.plot()")


@pytest.mark.parametrize("name", [n for n in qstats.__all__ if n != "__version__"])
def test_public_names_exist_and_are_documented(name: str) -> None:
    thing = getattr(qstats, name)
    assert inspect.getdoc(thing)
    assert name in dir(qstats)


def test_type_checkers_see_the_same_names() -> None:
    stub = (Path(qstats.__file__).parent / "__init__.pyi").read_text(encoding="utf-8")
    told = set(re.findall(r"^from (\S+) import (\w+) as \2$", stub, flags=re.MULTILINE))
    packages = {("qstats", package) for package in qstats._PACKAGES}
    assert told == packages | {(module, name) for module, names in qstats._HOME.items() for name in names}


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        qstats.nonsense  # noqa: B018


def test_only_one_line_loads_the_figures_by_name() -> None:
    source = Path(qstats.__file__).parent
    lines = [
        path.name
        for path in source.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "import_module(" in line and "figures" in line
    ]
    assert lines == ["result.py"]
