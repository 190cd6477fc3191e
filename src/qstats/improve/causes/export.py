"""A cause tree as Mermaid, Graphviz DOT and Markdown; what users typed can never become syntax."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qstats._core.checks import check_choice

if TYPE_CHECKING:
    from qstats.improve.causes.node import CauseNode
    from qstats.improve.causes.tree import CauseTree

__all__ = ["STATUS_WORDS", "dot_label", "dot_text", "markdown_label", "markdown_text", "mermaid_label",
           "mermaid_outline", "mermaid_text", "one_line"]  # fmt: skip

STATUS_WORDS = {
    "en": {"open": "open", "confirmed": "confirmed", "rejected": "rejected", "evidence": "evidence"},
    "zh": {"open": "待证实", "confirmed": "已证实", "rejected": "已排除", "evidence": "证据"},
}
_MARKS = {"open": "○", "confirmed": "●", "rejected": "×"}
# Okabe & Ito (2008): a full fill, a pale one, grey; the mark in front says the same without colour.
_FILLS = {"open": ("#FFFFFF", "#333333"), "confirmed": ("#F6D7C3", "#D55E00"), "rejected": ("#EEEEEE", "#8A8A8A")}


_JOINERS = "\u200c\u200d"  # invisible, and part of how some scripts and emoji are written


def one_line(text: str) -> str:
    """Return text on one line, without control characters and without those that turn its direction round."""
    kinds = [(ch, unicodedata.category(ch)) for ch in text]
    kept = [" " if kind in ("Cc", "Cs", "Zl", "Zp") else ch for ch, kind in kinds if kind != "Cf" or ch in _JOINERS]
    line = " ".join("".join(kept).split())
    return line if line.strip(_JOINERS + " ") else ""


def mermaid_label(text: str) -> str:
    """Return text that Mermaid shows as typed: everything but letters, digits and blanks is a character code.

    Mermaid decodes ``#59;`` only after parsing, in the finished picture. A first letter is coded as well, so that a
    line can neither begin with a keyword nor look like a list.
    """
    line = one_line(text)
    coded = [ch if ch == " " or ch.isalnum() else f"#{ord(ch)};" for ch in line]
    if line and line[0].isascii():
        coded[0] = f"#{ord(line[0])};"
    return "".join(coded)


def mermaid_outline(rows: Iterable[tuple[int, str]]) -> str:
    """Return the lines of an ishikawa diagram, each indented by its level."""
    return "\n".join(["ishikawa-beta", *("    " * (level + 1) + mermaid_label(text) for level, text in rows)]) + "\n"


def dot_label(text: str) -> str:
    """Return a quoted DOT string that Graphviz shows as typed (no escape sequence, no HTML entity)."""
    line = one_line(text).replace("&", "&amp;")
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'


def markdown_label(text: str) -> str:
    """Return text that Markdown shows as typed: no HTML, no link, no emphasis, no list."""
    line = one_line(text)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_{}\[\]#|~!$^:@])", r"\\\1", line)
    line = re.sub(r"^([-+=])", r"\\\1", line)
    line = re.sub(r"^(\d+)([.)])", r"\1\\\2", line)
    return re.sub(r"(?i)\b(www)\.", r"\1\\.", line)


def _interval(node: CauseNode) -> str:
    t = node.test
    if t is None:
        return ""
    numbers = f"p = {t.pvalue:.3g}, Holm {node.adjusted:.3g}"
    if t.estimate is None or t.low is None or t.high is None or t.confidence is None:
        return f"{t.effect}: {numbers}"
    return f"{t.effect} {t.estimate:.3g} ({t.confidence:.4g}: {t.low:.3g} to {t.high:.3g}), {numbers}"


def _shown(node: CauseNode) -> str:
    return node.text if node.status == "open" and node.test is None else f"{_MARKS[node.status]} {node.text}"


def mermaid_text(tree: CauseTree, kind: str) -> str:
    """Return a cause tree as an ishikawa diagram or a flowchart."""
    check_choice(kind, "kind", ("ishikawa", "flowchart"))
    return _ishikawa(tree) if kind == "ishikawa" else _flowchart(tree)


def _ishikawa(tree: CauseTree) -> str:
    rows = [(0, tree.problem)]
    deeper = 1 if tree.categories else 0
    walked = tree.walk()
    for category in tree.categories:
        rows.append((1, category.text))
        rows += [(level + deeper, _shown(n)) for n, level in walked if n.category == category.key]
    if not tree.categories:
        rows += [(level, _shown(n)) for n, level in walked]
    return mermaid_outline(rows)


def _names(tree: CauseTree) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names of categories and causes inside an export: never the user's own."""
    return {c.key: f"k{i}" for i, c in enumerate(tree.categories)}, {n.id: f"n{i}" for i, n in enumerate(tree.nodes)}


def _above(node: CauseNode, categories: dict[str, str], causes: dict[str, str]) -> str:
    if node.parent is not None:
        return causes[node.parent]
    return categories.get(node.category or "", "problem")


def _flowchart(tree: CauseTree) -> str:
    categories, causes = _names(tree)
    lines = ["flowchart LR", f'    problem["{mermaid_label(tree.problem)}"]']
    for c in tree.categories:
        lines.append(f'    {categories[c.key]}(["{mermaid_label(c.text)}"]) --> problem')
    for node, _ in tree.walk():
        lines.append(f'    {causes[node.id]}["{mermaid_label(_shown(node))}"] --> {_above(node, categories, causes)}')
    for status in ("confirmed", "rejected"):
        fill, stroke = _FILLS[status]
        if members := [causes[n.id] for n in tree.nodes if n.status == status]:
            lines.append(f"    classDef {status} fill:{fill},stroke:{stroke}")
            lines.append(f"    class {','.join(members)} {status}")
    return "\n".join(lines) + "\n"


def dot_text(tree: CauseTree) -> str:
    """Return a cause tree as a DOT digraph; the arrows run from cause to effect."""
    categories, causes = _names(tree)
    lines = [
        "digraph causes {",
        "  graph [rankdir=LR];",
        '  node [shape=box, style="rounded,filled", fillcolor="#FFFFFF", fontsize=11];',
        f"  problem [label={dot_label(tree.problem)}, shape=box, style=filled, penwidth=2];",
    ]
    for c in tree.categories:
        lines.append(f"  {categories[c.key]} [label={dot_label(c.text)}, shape=ellipse, style=filled];")
        lines.append(f"  {categories[c.key]} -> problem;")
    for node, _ in tree.walk():
        fill, ink = _FILLS[node.status]
        name = causes[node.id]
        lines.append(f'  {name} [label={dot_label(_shown(node))}, fillcolor="{fill}", color="{ink}"];')
        lines.append(f"  {name} -> {_above(node, categories, causes)};")
    return "\n".join([*lines, "}"]) + "\n"


def markdown_text(tree: CauseTree) -> str:
    """Return a cause tree as a heading and nested lists."""
    words = STATUS_WORDS[tree.lang]
    lines = [f"# {markdown_label(tree.problem)}", ""]

    def write(node: CauseNode, depth: int) -> None:
        tested = f" ({markdown_label(_interval(node))})" if node.test is not None else ""
        state = "" if node.status == "open" and node.test is None else f" **{words[node.status]}**{tested}"
        lines.append(f"{'  ' * depth}- {markdown_label(node.text)}{state}")
        for text in node.evidence:
            lines.append(f"{'  ' * (depth + 1)}- {words['evidence']}{'：' if tree.lang == 'zh' else ': '}"
                         f"{markdown_label(text)}")  # fmt: skip

    walked = tree.walk()
    for category in tree.categories:
        lines.append(f"- **{markdown_label(category.text)}**")
        for node, level in walked:
            if node.category == category.key:
                write(node, level)
    if not tree.categories:
        for node, level in walked:
            write(node, level - 1)
    return "\n".join(lines) + "\n"
