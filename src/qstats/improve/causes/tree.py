"""One tree for fishbone and five whys; every cause in it can carry the test that confirms or rejects it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from qstats._core.arrays import as_vector
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats._core.result import Result, json_safe
from qstats.errors import DataError
from qstats.improve.causes.build import (
    check_entries,
    check_unedited,
    node_from_dict,
    placed,
    plan_from_frame,
    plan_from_nested,
    planted,
    settled,
)
from qstats.improve.causes.evidence import STATUSES, read_test
from qstats.improve.causes.export import STATUS_WORDS, dot_text, markdown_text, mermaid_text
from qstats.improve.causes.kinds import KINDS, Category, categories_of, find_category, own_categories
from qstats.improve.causes.node import CauseNode, as_text, as_texts

__all__ = ["CauseNode", "CauseTree"]

_SCHEMA = "qstats.cause_tree/1"


@dataclass(frozen=True, slots=True, eq=False)
class CauseTree(Result):
    """What may have caused a problem, and which of it the data confirm: fishbone and five whys in one tree.

    Use it from the first brainstorming to the audit: the causes are collected, then each gets the test that confirms or
    rejects it. A cause without a test stays a guess, whoever wrote it down. Not as proof that a change worked: that is
    `verify_improvement`. Every method that changes something returns a new tree.

    Parameters
    ----------
    problem : str
        The effect, at the head of the fish.
    kind : {"6M", "4P", "8P", "5whys", "own"}
        Category set: 6M (people, machine, material, method, environment, measurement: 人机料法环测), 4P (policies,
        procedures, people, plant), 8P (services), ``"5whys"`` (no categories: chains of causes), ``"own"``.
    lang : {"en", "zh"}
        Of the category names and of the words in exports.
    categories : sequence of str, or dict of key to text, optional
        Wanted for ``"own"``; otherwise takes the place of the names of the kind.
    nodes : tuple of CauseNode
        Given by `add`, `from_nested` and the like.

    Raises
    ------
    DataError
        Empty text, unknown category or parent, doubled id, a cycle, more than 20 levels.

    Notes
    -----
    A test confirms when its p-value, for the direction asked, is at most its alpha after Holm's adjustment over all
    tests of the tree. It rejects when its interval excludes an effect worth acting on (``relevant=``), or lies wholly
    on the other side of no difference. Everything else stays open: not shown is not the same as absent.

    References
    ----------
    Ishikawa (1986), Guide to Quality Control, 2nd ed., chapter 3. Ohno (1988), Toyota Production System, p. 17 (asking
    why five times). Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> from qstats import compare_rates
    >>> from qstats import CauseTree
    >>> tree = CauseTree("配送延迟", lang="zh").add("机", "扫码枪断网").add("人", "新员工未培训")
    >>> tree = tree.attach("c1", compare_rates(60, 900, 31, 1000), confirms="greater")
    >>> tree.node("c1").status, tree.why_chain("c1")
    ('confirmed', ('配送延迟', '扫码枪断网'))
    """

    schema: ClassVar[str] = _SCHEMA
    title: ClassVar[str] = "Causes"

    problem: str
    kind: str = "6M"
    lang: str = "en"
    categories: tuple[Category, ...] = ()
    nodes: tuple[CauseNode, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "problem", as_text(self.problem, "problem"))
        standard = categories_of(self.kind, self.lang)
        given = own_categories(self.categories)
        put(self, "categories", given or standard)
        if self.kind == "own" and not self.categories:
            raise DataError("categories: kind='own' wants them: a list of names, or a dict of key to text")
        if self.kind == "5whys" and self.categories:
            raise DataError("categories: kind='5whys' has none; leave them out, or use kind='own'")
        if isinstance(self.nodes, str) or not isinstance(self.nodes, Sequence):
            raise DataError(f"nodes: got a {type(self.nodes).__name__}; a tuple of CauseNode is wanted")
        for node in self.nodes:
            if not isinstance(node, CauseNode):
                raise DataError(f"nodes: got a {type(node).__name__}; CauseNode is wanted")
        put(self, "nodes", settled(placed(tuple(self.nodes), self.kind, self.categories)))

    def add(self, parent: str | None, text: str, *, id: str | None = None, evidence: Any = ()) -> CauseTree:
        """Return the tree with one more cause.

        Parameters
        ----------
        parent : str or None
            A category (key, name in either language, or short form such as 机) or the id of a cause; None only for
            ``"5whys"``: the answer to the first why.
        text : str
            The cause, in the words of those who see it.
        id : str, optional
            Otherwise c1, c2 ...
        evidence : str or sequence of str
            What was seen, where, by whom.
        """
        taken = {n.id for n in self.nodes}
        if id is None:
            number = len(taken) + 1
            while f"c{number}" in taken:
                number += 1
            id = f"c{number}"
        above, category = self._place(parent)
        node = CauseNode(id, text, above, category, as_texts(evidence, "evidence"))
        return dataclasses.replace(self, nodes=(*self.nodes, node))

    def _place(self, parent: str | None) -> tuple[str | None, str | None]:
        """Return parent id and category of a new cause under `parent`."""
        names = ", ".join(repr(c.text) for c in self.categories)
        if parent is None:
            if self.categories:
                raise DataError(f"parent: got None; a category ({names}) or the id of a cause is wanted")
            return None, None
        if not isinstance(parent, str):
            raise DataError(f"parent: got {parent!r}; the name of a category or the id of a cause is wanted")
        for node in self.nodes:
            if node.id == parent:
                return parent, node.category
        key = find_category(parent, self.kind, self.categories)
        if key is None:
            known = f"categories are {names}" if names else "kind='5whys' has no categories: give an id, or None"
            raise DataError(f"parent: {parent!r} is neither the id of a cause nor a category; {known}")
        return None, key

    def node(self, node_id: str) -> CauseNode:
        """Return one cause by its id."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        ids = ", ".join(n.id for n in self.nodes[:20]) or "none yet"
        raise DataError(f"node_id: no cause has the id {node_id!r}; there are {ids}")

    def children(self, node_id: str | None) -> tuple[CauseNode, ...]:
        """Return the causes right under a cause; None: under no other cause."""
        return tuple(n for n in self.nodes if n.parent == node_id)

    @property
    def leaves(self) -> tuple[CauseNode, ...]:
        """Causes with no deeper cause under them: what a test should be about."""
        parents = {n.parent for n in self.nodes}
        return tuple(n for n in self.nodes if n.id not in parents)

    def walk(self) -> tuple[tuple[CauseNode, int], ...]:
        """Return every cause with its level (1: right under the category), category by category, parents first."""
        below: dict[str | None, list[CauseNode]] = {}
        for node in self.nodes:
            below.setdefault(node.parent, []).append(node)
        order = {c.key: i for i, c in enumerate(self.categories)}
        first = sorted(below.get(None, []), key=lambda n: order.get(n.category or "", 0))
        out, stack = [], [(n, 1) for n in reversed(first)]
        while stack:
            node, level = stack.pop()
            out.append((node, level))
            stack += [(n, level + 1) for n in reversed(below.get(node.id, []))]
        return tuple(out)

    def why_chain(self, node_id: str) -> tuple[str, ...]:
        """Return the texts from the problem down to a cause: the answers to why, why, why."""
        by_id = {n.id: n for n in self.nodes}
        at: CauseNode | None = self.node(node_id)
        chain = []
        while at is not None:
            chain.append(at.text)
            at = None if at.parent is None else by_id[at.parent]
        return (self.problem, *reversed(chain))

    def attach(
        self, node_id: str, result: object, *, confirms: str, alpha: float = 0.05, relevant: Any = None
    ) -> CauseTree:
        """Return the tree with a test on one cause; the states of all tested causes are worked out anew.

        Parameters
        ----------
        node_id : str
        result : Comparison or GroupComparison
            Those exposed to the cause against those not exposed. A test already there is replaced.
        confirms : {"less", "greater", "either"}
            Direction of the effect, against its null, that speaks for the cause.
        alpha : float
            Level for the p-value after Holm's adjustment over all tests of the tree.
        relevant : float or (float, float), optional
            Smallest effect worth acting on, in the measure of the result (1.2 for a rate ratio). Without it a cause is
            rejected only when the effect is shown to go the other way. Each rejection holds by itself at the
            confidence of its interval; it is not adjusted.
        """
        test = read_test(result, confirms, alpha, relevant)
        return self._changed(node_id, test=test)

    def detach(self, node_id: str) -> CauseTree:
        """Return the tree without the test of one cause; the cause is open again."""
        if self.node(node_id).test is None:
            raise DataError(f"node_id: {node_id!r} carries no test")
        return self._changed(node_id, test=None, status="open", adjusted=None)

    def mark(self, node_id: str, status: str, *, evidence: Any) -> CauseTree:
        """Return the tree with a state given by hand, for what is seen and not counted; the evidence must be told.

        Not for a cause that carries a test: there the test decides.
        """
        check_choice(status, "status", STATUSES)
        node, texts = self.node(node_id), as_texts(evidence, "evidence")
        if node.test is not None:
            raise DataError(f"status: {node_id!r} carries a test, which decides; detach it first")
        if not texts:
            raise DataError("evidence: is empty; say what was seen, where and by whom")
        return self._changed(node_id, status=status, evidence=(*node.evidence, *texts))

    def remove(self, node_id: str) -> CauseTree:
        """Return the tree without a cause and everything under it."""
        gone = {self.node(node_id).id}
        for node, _ in self.walk():
            if node.parent in gone:
                gone.add(node.id)
        return dataclasses.replace(self, nodes=tuple(n for n in self.nodes if n.id not in gone))

    def _changed(self, node_id: str, **entries: Any) -> CauseTree:
        new = dataclasses.replace(self.node(node_id), **entries)
        return dataclasses.replace(self, nodes=tuple(new if n.id == node_id else n for n in self.nodes))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a reader must know about the states shown."""
        tested = [n for n in self.nodes if n.test is not None]
        undecided = [n.id for n in tested if n.status == "open"]
        by_hand = [n.id for n in self.nodes if n.test is None and n.status != "open"]
        notes = []
        if len(tested) > 1:
            text = f"{len(tested)} tests in this tree: a cause is confirmed by its p-value after Holm's adjustment"
            notes.append(Note("multiplicity", "info", text))
        if undecided:
            text = f"tested and still open: {', '.join(undecided)}; not shown is not the same as absent"
            notes.append(Note("open-after-test", "warning", text))
        if by_hand:
            text = f"state given by hand, with evidence but without a test: {', '.join(by_hand)}"
            notes.append(Note("state-by-hand", "info", text))
        return tuple(notes)

    @classmethod
    def from_nested(
        cls, problem: str, nested: Mapping[str, Any], *, kind: str = "6M", lang: str = "en", categories: Any = ()
    ) -> CauseTree:
        """Make a tree from nested dicts and lists: ``{"机器": {"扫码枪断网": ["路由器老化"]}, "人员": ["未培训"]}``.

        With ``kind="own"`` and no categories, the outermost keys are the categories; with ``"5whys"`` they are the
        first causes.
        """
        check_choice(kind, "kind", KINDS)
        if not isinstance(nested, Mapping):
            raise DataError(f"nested: got a {type(nested).__name__}; a dict is wanted")
        if kind == "own" and not categories:
            categories = list(nested)
        tree = cls(problem, kind, lang, categories)
        plan = plan_from_nested(nested, kind != "5whys")
        return dataclasses.replace(tree, nodes=planted(plan, tree._place, bool(tree.categories)))

    @classmethod
    def from_frame(
        cls,
        data: Any,
        problem: str,
        *,
        category: str = "category",
        causes: Sequence[str] = ("cause", "subcause"),
        kind: str = "6M",
        lang: str = "en",
        categories: Any = (),
    ) -> CauseTree:
        """Make a tree from a table, one row a cause: a column of the category, then columns from outer to inner cause.

        A cause named in several rows of its category is one cause. With ``kind="own"`` and no categories, those of the
        column are taken in the order they come.
        """
        check_choice(kind, "kind", KINDS)
        plan = plan_from_frame(data, None if kind == "5whys" else category, causes)
        if kind == "own" and not categories:
            categories = list(dict.fromkeys(path[0] for path in plan))
        tree = cls(problem, kind, lang, categories)
        return dataclasses.replace(tree, nodes=planted(plan, tree._place, bool(tree.categories)))

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as JSON-safe values; `from_dict` reads them back without loss."""
        return {
            "schema": _SCHEMA,
            "problem": self.problem,
            "kind": self.kind,
            "lang": self.lang,
            "categories": [{"key": c.key, "text": c.text} for c in self.categories],
            "nodes": [{f.name: json_safe(getattr(n, f.name)) for f in dataclasses.fields(n)} for n in self.nodes],
        }

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> CauseTree:
        """Read what `to_dict` wrote; an unknown entry, or a state its test does not give, is an error."""
        made = check_entries(entries, _SCHEMA)
        nodes = tuple(node_from_dict(entry, i) for i, entry in enumerate(made["nodes"]))
        categories = {c["key"]: c["text"] for c in made["categories"]}
        tree = cls(made["problem"], made["kind"], made["lang"], categories, nodes)  # type: ignore[arg-type]
        check_unedited(nodes, tree.nodes)
        return tree

    @classmethod
    def from_json(cls, text: str) -> CauseTree:
        """Read a tree from JSON text."""
        try:
            entries = json.loads(text)
        except (json.JSONDecodeError, TypeError, RecursionError) as error:
            raise DataError(f"text: not valid JSON: {error}") from None
        return cls.from_dict(entries)

    def to_mermaid(self, kind: str = "ishikawa") -> str:
        """Return Mermaid text: ``"ishikawa"`` (Mermaid 11.12.3 or newer) or ``"flowchart"`` (any, with states)."""
        return mermaid_text(self, kind)

    def to_dot(self) -> str:
        """Return Graphviz DOT text, problem at the right."""
        return dot_text(self)

    def to_markdown(self) -> str:
        """Return a Markdown outline with states, tests and evidence."""
        return markdown_text(self)

    def _rows(self) -> list[tuple[str, str]]:
        words = STATUS_WORDS["en"]
        named = {c.key: c.text for c in self.categories}
        rows = [("problem", self.problem)]
        for node, level in self.walk():
            label = f"{named.get(node.category or '', '')} {node.id}".strip()
            tested = f"  [p {node.pvalue:.3g}, Holm {node.adjusted:.3g}]" if node.test is not None else ""
            rows.append((label, f"{'  ' * (level - 1)}{node.text}: {words[node.status]}{tested}"))
        return rows

    def _columns(self) -> Mapping[str, object]:
        walked = self.walk()
        nodes, tests = [n for n, _ in walked], [n.test for n, _ in walked]

        def of_test(name: str) -> object:
            cells = [None if t is None else getattr(t, name) for t in tests]
            return as_vector(cells, name, missing="drop", least=0)

        return {
            **{name: [getattr(n, name) for n in nodes] for name in ("id", "parent", "category", "text", "status")},
            "level": [level for _, level in walked],
            "effect": [None if t is None else t.effect for t in tests],
            **{name: of_test(name) for name in ("estimate", "pvalue")},
            "adjusted": as_vector([n.adjusted for n in nodes], "adjusted", missing="drop", least=0),
            "evidence": ["; ".join(n.evidence) for n in nodes],
        }
