"""Blocks to one HTML page (Jinja2, autoescaped) and to Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from qstats.figures.style import clean_text
from qstats.report.blocks import Block, Bullets, Figure, Heading, Hero, Table, Text
from qstats.report.words import say

__all__ = ["html_page", "markdown_page"]

_PREFIX = re.compile(r' id="(q[0-9a-f]{8})-')
# Markdown reads these wherever they stand; HTML is switched off by the entities.
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$])")


def _finish(value: Any) -> Any:
    return value if isinstance(value, Markup) else clean_text(value)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("qstats.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finish,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Only text that qstats.figures wrote passes unescaped: there user text has been escaped already.
    env.filters["own_svg"] = lambda figure: Markup(figure.svg)
    return env


def _apart(sections: Sequence[Sequence[Block]]) -> list[list[Block]]:
    """Give a figure that stands twice on the page other ids the second time."""
    seen: set[str] = set()
    out = []
    for i, block in enumerate(b for section in sections for b in section):
        found = _PREFIX.search(block.svg) if isinstance(block, Figure) else None
        if isinstance(block, Figure) and found:
            mine = found[1] if found[1] not in seen else f"{found[1]}{i}"
            seen.add(found[1])
            block = Figure(block.svg.replace(f"{found[1]}-", f"{mine}-"))
        out.append(block)
    rest = iter(out)
    return [[next(rest) for _ in section] for section in sections]


def html_page(sections: Sequence[Sequence[Block]], title: str, lang: str, version: str) -> str:
    """Return the page: one file, inline style and SVG, no script."""
    template = _environment().get_template("page.html.j2")
    code = {"en": "en", "zh": "zh-CN"}[lang]
    return template.render(sections=_apart(sections), title=title, code=code, foot=say("foot", lang, version=version))


def _md(text: object) -> str:
    """Return user text as Markdown that shows it as typed: no markup, no HTML, one line."""
    out = clean_text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    out = _SPECIAL.sub(r"\\\1", out)
    return re.sub(r"^(\d+)([.)])|^([-+=])", lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", out)


def _md_table(table: Table) -> str:
    rule = ["---:" if i in table.numeric else "---" for i in range(len(table.head))]
    lines = [[_md(c) for c in table.head], rule, *([_md(c) for c in row] for row in table.rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _md_block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_md(text)}"
        case Text(text):
            return _md(text)
        case Bullets(items):
            return "\n".join(f"- {_md(item)}" for item in items)
        case Table():
            return _md_table(block)
        case Hero(_, shown, sentence, facts):
            return "\n".join([f"**{_md(shown)}** {_md(sentence)}", "", *(f"- {_md(a)} {_md(b)}" for a, b in facts)])
        case Figure():
            return ""


def markdown_page(sections: Sequence[Sequence[Block]], title: str, lang: str, version: str) -> str:
    """Return the same content as Markdown, without the figures."""
    parts = [f"# {_md(title)}", *(_md_block(b) for section in sections for b in section)]
    parts.append(f"*{_md(say('foot', lang, version=version).split('. ')[0].split('。')[0])}*")
    return "\n\n".join(p for p in parts if p) + "\n"
