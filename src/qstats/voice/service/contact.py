"""First contact resolution: did the customer have to come back?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray
from qstats._core.checks import check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError
from qstats.inference.comparison import Comparison
from qstats.table.scores import Keys
from qstats.voice.service.contact_log import Contacts, read_contacts
from qstats.voice.service.pairs import after_and_before, one_of_three, two_codes
from qstats.voice.service.shares import ShareTable, Worth, clustered, gap_between, share_table, simple, wilson_limits

__all__ = ["FirstContact", "compare_first_contact", "first_contact_resolution"]

_WHAT = "First contact resolution"
_WILSON = "Wilson (1927), JASA 22, 209-212"
_CLUSTER = "Cochran (1977), Sampling Techniques, 3rd ed., section 3.12; Korn & Graubard (1998), Survey Methodology 24"


@dataclass(frozen=True, slots=True, eq=False)
class FirstContact(Result):
    """Share of contacts after which the customer did not come back within the window.

    Parameters
    ----------
    estimate : float
    interval : Interval
    n, resolved, repeated : float
        Contacts judged, those that settled the matter, those followed by another contact within the window.
    pending : float
        Contacts whose window is not over at `now`: not counted.
    customers : float
        Customers among the contacts judged.
    deff, n_eff : float
        Design effect of several contacts of one customer, and the independent contacts they are worth.
    df : float or None
        Degrees of freedom; None where contacts count as independent.
    window : timedelta64[us]
    now : datetime64[us]
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.first-contact/1"
    title: ClassVar[str] = _WHAT

    estimate: float
    interval: Interval
    n: float
    resolved: float
    repeated: float
    pending: float
    customers: float
    deff: float
    n_eff: float
    df: float | None
    window: np.timedelta64
    now: np.datetime64
    method: str
    reference: str
    notes: tuple[Note, ...] = field(default=())

    def _rows(self) -> list[tuple[str, str]]:
        days = self.window / np.timedelta64(1, "D")
        return [
            ("resolved at first contact", f"{self.estimate:.2%}"),
            (f"{self.interval.confidence:.0%} interval", f"({self.interval.low:.2%}, {self.interval.high:.2%})"),
            ("contacts", f"{self.n:g}, of which {self.repeated:g} came back within {days:g} days"),
            ("customers", f"{self.customers:g} (design effect {self.deff:.3g}, worth {self.n_eff:.4g} contacts)"),
            ("window not over, not counted", f"{self.pending:g}"),
            ("as of", str(self.now.astype("datetime64[s]"))),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        names = ("n", "resolved", "repeated", "pending", "customers", "deff", "n_eff", "now", "method")
        limits = {"low": self.interval.low, "high": self.interval.high, "confidence": self.interval.confidence}
        return {
            k: [v] for k, v in {"estimate": self.estimate, **limits, **{n: getattr(self, n) for n in names}}.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON-safe values; the window in seconds."""
        return {**Result.to_dict(self), "window": float(self.window / np.timedelta64(1, "s"))}


def _by_customer(c: Contacts, wanted: bool | None) -> bool:
    """Whether contacts of one customer are taken together: where any came twice, unless told otherwise."""
    if wanted is not None and not isinstance(wanted, bool | np.bool_):
        raise DataError(f"clustered: got {wanted!r}; True, False or None (where a customer came twice) is wanted")
    if wanted is not None:
        return bool(wanted)
    return bool(np.bincount(c.customer).max() > 1)


def _worth(yes: BoolArray, codes: npt.NDArray[np.intp], k: int, c: Contacts, together: bool) -> Worth:
    if together:
        return clustered(yes, codes, k, c.customer, c.customers)
    n = np.bincount(codes, minlength=k).astype(np.float64)
    return simple(np.bincount(codes, weights=yes.astype(np.float64), minlength=k).astype(np.float64), n)


def _total(c: Contacts, together: bool, confidence: float) -> tuple[FirstContact, Worth]:
    w = _worth(c.resolved, np.zeros(c.resolved.size, dtype=np.intp), 1, c, together)
    low, high = wilson_limits(w, confidence)
    notes, share = c.notes, float(w.share[0])
    if together and share in (0.0, 1.0):
        text = f"all contacts are alike: the design effect is unknown, each of {w.clusters[0]:g} customers counts once"
        notes = (*notes, Note("design-effect-unknown", "warning", text))
    method = "Wilson (score), customers as clusters, t" if together else "Wilson (score)"
    resolved = float(np.count_nonzero(c.resolved))
    customers = float(np.count_nonzero(np.bincount(c.customer)))
    result = FirstContact(
        share, Interval(float(low[0]), float(high[0]), confidence), float(w.n[0]), resolved,
        float(np.count_nonzero(c.repeated)), float(c.pending), customers, float(w.deff[0]), float(w.n_eff[0]),
        float(w.df[0]) if together else None, c.window, c.now, method,
        f"{_WILSON}; {_CLUSTER}" if together else _WILSON, notes,
    )  # fmt: skip
    return result, w


def _table(c: Contacts, keys: Keys, together: bool, total: FirstContact, confidence: float) -> ShareTable:
    k = len(keys.labels)
    if k < 2:
        raise DataError(f"by: there is one group only ({keys.labels[0]!r}); leave by= out")
    w = _worth(c.resolved, keys.codes, k, c, together)
    rest = _rest(c, keys, w, together)
    repeated = np.bincount(keys.codes[c.repeated], minlength=k).astype(np.float64)
    details = {"repeated": repeated, "pending": c.pending_by, "deff": w.deff, "n_eff": w.n_eff}
    limits = wilson_limits(w, confidence)
    return share_table(keys.labels, w, rest, limits, total, _WHAT, details=details, notes=total.notes)


def _rest(c: Contacts, keys: Keys, w: Worth, together: bool) -> Worth:
    """Return all others of each group together."""
    count = np.round(w.share * w.n)
    plain = simple(count.sum() - count, w.n.sum() - w.n)
    if not together:
        return plain
    parts = []
    for code in range(w.n.size):
        others = keys.codes != code
        zero = np.zeros(int(others.sum()), dtype=np.intp)
        parts.append(clustered(c.resolved[others], zero, 1, c.customer[others], c.customers))
    return Worth(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def first_contact_resolution(
    data: object,
    *,
    customer: str,
    opened: str,
    topic: str | None = None,
    window: Any = "7d",
    resolved: str | None = None,
    by: str | None = None,
    now: Any = None,
    clustered: bool | None = None,
    confidence: float = 0.95,
    missing: str = "raise",
) -> FirstContact | ShareTable:
    r"""Share of contacts after which the customer did not have to come back (FCR), with its interval.

    Use it on the contact log itself: what agents tick as "resolved" is their opinion, a second call within a week is a
    fact. Not across channels that do not know the customer by one name: who comes back elsewhere looks resolved.

    Parameters
    ----------
    data : frame of any engine, or mapping of column name to sequence
        One row per contact, in any order.
    customer : str
        Column of who called.
    opened : str
        Column of the date or timestamp of the contact.
    topic : str, optional
        Column of the matter: then only a contact on the same one counts as coming back.
    window : str, timedelta, optional
        Within which coming back counts, end included; ``"7d"``.
    resolved : str, optional
        Column of True and False: a contact recorded as not resolved does not count as resolved, come back or not.
    by : str, optional
        Column of the group (agent team, channel) of the contact that is judged: the answer is a `ShareTable`. Coming
        back anywhere counts.
    now : date, datetime or ISO text, optional
        When the data were extracted; the latest contact unless given. With a time zone where `opened` carries one,
        without where it does not.
    clustered : bool, optional
        Take the contacts of one customer together for the error. By default where any customer came more than once.
    confidence : float
    missing : {"raise", "drop"}
        What to do with contacts without customer, time, topic or flag. Dropped ones also hide that someone came back.

    Returns
    -------
    FirstContact or ShareTable

    Raises
    ------
    DataError
        No such column, text with a time of day, missing entries.
    TooFewData
        No contact whose window is over.

    Notes
    -----
    Each contact is judged by the next one of the same customer (and topic): in a chain of four within a week each,
    three are not resolved and the last is. A contact is counted once its window is over at `now`, whatever happened in
    it; counting early returns but not early silence would bias the share down. The variance is that of a ratio with
    customers as clusters, and Wilson's limits take the effective contacts and Student's t.

    References
    ----------
    Wilson (1927), JASA 22, 209-212. Cochran (1977), Sampling Techniques, 3rd ed., section 3.12. Korn & Graubard (1998),
    Survey Methodology 24, 193-201.

    Examples
    --------
    >>> from qstats.voice.service.contact import first_contact_resolution
    >>> log = {"who": ["ann", "bob", "ann", "cy", "bob", "dee"],
    ...        "day": ["2024-05-01", "2024-05-01", "2024-05-04", "2024-05-06", "2024-05-20", "2024-05-29"]}
    >>> r = first_contact_resolution(log, customer="who", opened="day", now="2024-05-31")
    >>> r.resolved, r.n, r.pending
    (4.0, 5.0, 1.0)
    """
    confidence = check_confidence(confidence)
    given = {"customer": customer, "opened": opened, "topic": topic, "resolved": resolved, "by": by}
    required = ("customer", "opened")
    c = read_contacts(data, {k: v for k, v in given.items() if v is not None or k in required}, window, now, missing)
    together = _by_customer(c, clustered)
    total, _ = _total(c, together, confidence)
    return total if c.keys is None else _table(c, c.keys, together, total, confidence)


def _sides(c: Contacts, reference: Any, change: Any) -> list[Contacts]:
    """Split one log by the group or by the date of the contact that is judged."""
    if c.keys is None:
        return [c.at(side) for side in after_and_before(c.opened, change, c.zoned)]
    code, base = two_codes(c.keys, reference)
    return [c.at(c.keys.codes == code), c.at(c.keys.codes == base)]


def compare_first_contact(
    data: object,
    data0: object = None,
    *,
    customer: str,
    opened: str,
    topic: str | None = None,
    window: Any = "7d",
    resolved: str | None = None,
    by: str | None = None,
    reference: Any = None,
    change: Any = None,
    now: Any = None,
    now0: Any = None,
    clustered: bool | None = None,
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    missing: str = "raise",
) -> Comparison:
    r"""Tell whether first contact resolution differs between two groups, or before and after a change.

    Use it for two teams, two sites, two periods. Two logs of two periods lose the returns at their border: leave a gap
    of one window between them, or pass the whole log with `change`. Customers in both groups count in each as if they
    were two: as a rule the interval is then somewhat too wide.

    Parameters
    ----------
    data, data0 : frame or mapping
        Contacts of the group asked about and of the reference group; or `data` alone with `by` or `change`: then coming
        back counts wherever and whenever it was.
    customer, opened, topic, window, resolved, clustered, missing
        As in `first_contact_resolution`.
    by, reference : str, optional
        Column of two groups, and which one is the reference.
    change : date, datetime or ISO text, optional
        Contacts from then on are compared with those before.
    now, now0 : date, datetime or ISO text, optional
        When each log ends; `now0` only with `data0`.
    null : float
        Difference the p-value is about: a non-inferiority margin goes here.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    Comparison
        ``effect="difference"``.

    Raises
    ------
    DataError, TooFewData
        As in `first_contact_resolution`; not exactly two groups.

    Notes
    -----
    The score statistic of a difference of proportions (Miettinen and Nurminen) on effective contacts, with Student's t
    where there are clusters; its degrees of freedom by Satterthwaite.

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226. Korn & Graubard (1998), Survey Methodology 24,
    193-201.

    Examples
    --------
    >>> from qstats.voice.service.contact import compare_first_contact
    >>> day = ["2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04"] * 5
    >>> new = {"who": list(range(20)), "day": day}
    >>> old = {"who": [i // 2 for i in range(20)], "day": day}
    >>> r = compare_first_contact(new, old, customer="who", opened="day", now="2024-06-01", now0="2024-06-01")
    >>> r.values
    (1.0, 0.5)
    """
    confidence = check_confidence(confidence)
    null = check_number(null, "null", above=-1.0, below=1.0)
    one_of_three(data0, by, change, reference)
    if data0 is None and now0 is not None:
        raise DataError(f"now0: got {now0!r} without data0=; it is the time at which that log ends")
    given = {"customer": customer, "opened": opened, "topic": topic, "resolved": resolved, "by": by}
    columns = {k: v for k, v in given.items() if v is not None or k in ("customer", "opened")}
    c = read_contacts(data, columns, window, now, missing)
    if data0 is not None:
        sides = [c, read_contacts(data0, columns, window, now0, missing)]
    else:
        sides = _sides(c, reference, change)
    together = any(_by_customer(c, clustered) for c in sides)
    (r, w), (r0, w0) = (_total(c, together, confidence) for c in sides)
    gap = gap_between(w, w0, null, confidence, alternative)
    notes = tuple(dict.fromkeys((*r.notes, *r0.notes)))
    text = "score, miettinen-nurminen" + (", customers as clusters, t" if together else "")
    source = "Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226" + (f"; {_CLUSTER}" if together else "")
    return Comparison(
        "difference", gap.estimate, gap.interval, gap.pvalue, alternative, null, gap.statistic, (r.n, r0.n), text,
        source, notes, (r.estimate, r0.estimate), None if math.isinf(gap.df) else gap.df,
    )  # fmt: skip
