"""Category sets of a cause-and-effect diagram, in English and Chinese, and the spoken forms by which they are found."""

from __future__ import annotations

from dataclasses import dataclass

from qstats._core.checks import check_choice
from qstats.errors import DataError
from qstats.improve.causes.node import as_text

__all__ = ["KINDS", "LANGUAGES", "Category", "categories_of"]

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Category:
    """One bone of the fishbone.

    Parameters
    ----------
    key : str
        Stable name for programs: ``"machine"``.
    text : str
        As shown: ``"Machine"`` or ``"机器"``.
    """

    key: str
    text: str


# key: (English, Chinese, further names under which it is found)
_Row = tuple[str, str, str, tuple[str, ...]]

_SIX_M: tuple[_Row, ...] = (
    ("man", "People", "人员", ("人", "manpower")),
    ("machine", "Machine", "机器", ("机", "设备", "equipment")),
    ("material", "Material", "物料", ("料", "材料", "materials")),
    ("method", "Method", "方法", ("法", "methods")),
    ("environment", "Environment", "环境", ("环", "milieu", "mother nature")),
    ("measurement", "Measurement", "测量", ("测", "measure")),
)
_FOUR_P: tuple[_Row, ...] = (
    ("policies", "Policies", "政策", ("制度",)),
    ("procedures", "Procedures", "程序", ("流程",)),
    ("people", "People", "人员", ("人",)),
    ("plant", "Plant and technology", "设施与技术", ("设施", "technology")),
)
_EIGHT_P: tuple[_Row, ...] = (
    ("product", "Product or service", "产品或服务", ("产品", "service", "服务")),
    ("price", "Price", "价格", ()),
    ("place", "Place", "渠道", ("地点",)),
    ("promotion", "Promotion", "促销", ("推广",)),
    ("people", "People", "人员", ("人",)),
    ("process", "Process", "流程", ("过程",)),
    ("physical_evidence", "Physical evidence", "有形展示", ("physical",)),
    ("performance", "Performance", "绩效", ()),
)

# Kaoru Ishikawa, Guide to Quality Control (Asian Productivity Organization, 1986), chapter 3: the diagram, and four of
# the six M. People, machine, material, method, environment, measurement (人机料法环测) is the set of most factories.
KINDS: dict[str, tuple[_Row, ...]] = {"6M": _SIX_M, "4P": _FOUR_P, "8P": _EIGHT_P, "5whys": (), "own": ()}


def categories_of(kind: str, lang: str) -> tuple[Category, ...]:
    """Return the categories of a kind in a language; none for ``"5whys"`` and ``"own"``."""
    check_choice(kind, "kind", KINDS)
    column = 1 + LANGUAGES.index(check_choice(lang, "lang", LANGUAGES))
    return tuple(Category(row[0], str(row[column])) for row in KINDS[kind])


def find_category(name: str, kind: str, categories: tuple[Category, ...]) -> str | None:
    """Return the key of the category called `name` (key, text shown, either language, or a common short form)."""
    wanted = name.strip().casefold()
    for c in categories:
        if wanted in (c.key.casefold(), c.text.casefold()):
            return c.key
    there = {c.key for c in categories}
    for key, english, chinese, others in KINDS[kind]:
        if key in there and wanted in (english.casefold(), chinese, *others):
            return key
    return None


def own_categories(given: object) -> tuple[Category, ...]:
    """Return categories from a mapping of key to text, a sequence of texts, or `Category` objects."""
    if isinstance(given, dict):
        pairs = list(given.items())
    elif isinstance(given, list | tuple):
        pairs = [(c.key, c.text) if isinstance(c, Category) else (c, c) for c in given]
    else:
        raise DataError(f"categories: got {given!r}; a list of names, or a dict of key to text, is wanted")
    made = tuple(Category(as_text(key, "categories"), as_text(text, "categories")) for key, text in pairs)
    for what in ("key", "text"):
        names = [getattr(c, what).casefold() for c in made]
        twice = [n for n in names if names.count(n) > 1]
        if twice:
            raise DataError(f"categories: {twice[0]!r} is there {names.count(twice[0])} times; each once is wanted")
    return made
