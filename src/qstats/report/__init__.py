"""From results to one page that can be sent, printed and read without a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from qstats._core.checks import check_choice
from qstats._core.result import Result
from qstats.errors import DataError
from qstats.report.page import html_page, markdown_page
from qstats.report.views import blocks_of
from qstats.report.words import LANGUAGES, say

__all__ = ["render_html", "render_markdown", "write_report"]


def _as_results(results: object) -> list[Result]:
    found = [results] if isinstance(results, Result) else list(results) if isinstance(results, Sequence) else []
    if not found or isinstance(results, str | bytes):
        raise DataError(
            f"results: got {type(results).__name__} with no result; a result or a list of results is wanted"
        )
    for i, result in enumerate(found):
        if not isinstance(result, Result):
            raise DataError(f"results: got a {type(result).__name__} at position {i}; results of qstats are wanted")
    return found


def _title(title: str | None, lang: str) -> str:
    return title or say("title", lang)


def _version() -> str:
    from qstats import __version__

    return __version__


def render_html(results: Result | Sequence[Result], title: str | None = None, lang: str = "en") -> str:
    """Return one self-contained HTML page: inline style, figures as SVG with real text, no script, no network.

    Parameters
    ----------
    results : Result or sequence of Result
    title : str, optional
        Heading of the page.
    lang : {"en", "zh"}
        Language of everything that is not the user's own text.

    Raises
    ------
    DataError
        Nothing to report, or something that is not a result.
    """
    check_choice(lang, "lang", LANGUAGES)
    found = _as_results(results)
    return html_page([blocks_of(r, lang) for r in found], _title(title, lang), lang, _version())


def render_markdown(results: Result | Sequence[Result], lang: str = "en", title: str | None = None) -> str:
    """Return the report as Markdown (tables and text, no figures); user text shows as typed, HTML in it is inert.

    Parameters
    ----------
    results : Result or sequence of Result
    lang : {"en", "zh"}
    title : str, optional
        Heading of the page.
    """
    check_choice(lang, "lang", LANGUAGES)
    found = _as_results(results)
    return markdown_page([blocks_of(r, lang) for r in found], _title(title, lang), lang, _version())


def _render_json(results: Sequence[Result], title: str) -> str:
    page = {"schema": "qstats.report/1", "title": title, "results": [r.to_dict() for r in results]}
    return json.dumps(page, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def write_report(
    results: Result | Sequence[Result], path: str | Path, *, title: str | None = None, lang: str = "en"
) -> Path:
    """Write results into one file a customer or auditor can open anywhere.

    Use it to hand over a verdict, or charts and tables together. Table, figure and sentence are views of one object, so
    they cannot disagree. Folders of `path` are made where they are lacking.

    Parameters
    ----------
    results : Result or sequence of Result
        Verdict, control chart, Pareto table, comparison, or any other result.
    path : str or pathlib.Path
        Ends in ``.html``: one page with figures; ``.md``: text and tables; ``.json``: the full numbers.
    title : str, optional
        Heading of the page.
    lang : {"en", "zh"}

    Returns
    -------
    pathlib.Path
        Where it was written.

    Raises
    ------
    DataError
        Nothing to report, something that is not a result, or another ending.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import qstats
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = qstats.write_report(qstats.compare_rates(12, 100, 30, 100), Path(folder) / "report.html")
    ...     page.read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    path = Path(path)
    found = _as_results(results)
    kind = path.suffix.lower()
    if kind in (".html", ".htm"):
        text = render_html(found, title, lang)
    elif kind == ".md":
        text = render_markdown(found, lang, title)
    elif kind == ".json":
        text = _render_json(found, _title(title, lang))
    else:
        raise DataError(f"path: got the ending {path.suffix!r}; '.html', '.md' or '.json' is wanted")
    path.parent.mkdir(parents=True, exist_ok=True)
    # A lone surrogate in a label cannot be written; it must not cost the report.
    path.write_text(text, encoding="utf-8", errors="replace")
    return path
