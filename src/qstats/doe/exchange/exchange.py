"""Coordinate exchange of many starts at once.

Changing one coordinate of a run changes its row x of the model matrix to y = x + sum of d_a u_a, where d are changes of
the pieces of that factor (see `Basis`). With M the inverse information, the determinant grows by
``(1 + v_y)(1 - v_x) + v_xy**2`` (Fedorov 1972, equation 3.1.3), and tr(W M) falls by what the same two rank-one steps
take away (Jones and Goos 2012). Runs of a whole plot share an error: there
``X' V^-1 X`` changes by ``(1 - c)(g g' - h h')`` with ``h = (x - c s)/(1 - c)``, ``g = h + y - x``, s the sum of the
plot's rows and ``c = ratio / (1 + size ratio)``, so one kernel does both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.exchange.basis import Basis

__all__ = ["Kernel", "Plan", "State", "information"]

IntArray = npt.NDArray[np.int64]

_GAIN = 1e-9  # a step must better the criterion by this share: rounding never walks in circles
_RIDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a design is given before its settings.

    Parameters
    ----------
    n : int
        Runs, kept ones first.
    kept : int
    blocks : ndarray, shape (n, b - 1)
        Block columns, summing to zero over blocks.
    plot : ndarray of int, shape (n,)
        Whole plot of each run from 0; -1 without.
    ratio : float
        Variance between whole plots over that within them.
    weights : ndarray or None, shape (p + b - 1, p + b - 1)
        W of the criterion tr(W M); None for the determinant.
    """

    n: int
    kept: int
    blocks: FloatArray
    plot: IntArray
    ratio: float
    weights: FloatArray | None

    @property
    def share(self) -> FloatArray:
        """c of every run: what its plot's sum takes away."""
        if (self.plot < 0).all():
            return np.zeros(self.n)
        size = np.bincount(self.plot)[self.plot]
        return np.asarray(self.ratio / (1.0 + size * self.ratio), dtype=np.float64)


def information(rows: FloatArray, plan: Plan) -> FloatArray:
    """Return X' V^-1 X of rows of shape (..., n, p)."""
    m: FloatArray = rows.swapaxes(-1, -2) @ rows
    if plan.ratio > 0.0 and (plan.plot >= 0).any():
        c = plan.share
        for plot in range(int(plan.plot.max()) + 1):
            mine = plan.plot == plot
            total = rows[..., mine, :].sum(axis=-2)
            m = m - c[mine][0] * total[..., :, None] * total[..., None, :]
    return m


class State:
    """Settings, rows and inverse information of s starts, kept in step.

    Parameters
    ----------
    basis : Basis
    plan : Plan
    coded : ndarray, shape (s, n, k)
    """

    def __init__(self, basis: Basis, plan: Plan, coded: FloatArray) -> None:
        self.basis, self.plan, self.coded = basis, plan, coded
        self.refresh(ridge=_RIDGE)

    def refresh(self, ridge: float = 0.0) -> None:
        """Compute everything afresh from the settings: rounding does not pile up over passes."""
        plan = self.plan
        self.spread = self.basis.spread(self.coded)
        rows = self.basis.join(self.spread)
        blocks = np.broadcast_to(plan.blocks, (*rows.shape[:-1], plan.blocks.shape[1]))
        self.rows = np.concatenate([rows, blocks], axis=-1)
        m = information(self.rows, plan)
        p = m.shape[-1]
        if ridge:
            m = m + ridge * plan.n * np.eye(p)
        sign, logdet = np.linalg.slogdet(m)
        good = (sign > 0) & (logdet > -0.5 * 36.0 * p) & np.isfinite(logdet)
        self.alive = good
        m[~good] = np.eye(p)
        self.inverse = np.linalg.inv(m)
        self.value = np.where(good, logdet / p, -np.inf)
        if plan.weights is not None:
            self.bent = self.inverse @ plan.weights @ self.inverse
            trace = np.einsum("sij,ij->s", self.inverse, plan.weights)
            self.value = np.where(good & (trace > 0.0), -np.log(np.where(trace > 0.0, trace, 1.0)), -np.inf)
            self.trace = trace
        if plan.ratio > 0.0 and (plan.plot >= 0).any():
            self.sums = np.stack(
                [self.rows[:, plan.plot == w].sum(axis=1) for w in range(int(plan.plot.max()) + 1)], axis=1
            )

    def take(self, keep: npt.NDArray[np.intp]) -> None:
        """Go on with some of the starts."""
        for name in ("coded", "spread", "rows", "inverse", "value", "alive", "bent", "trace", "sums"):
            if hasattr(self, name):
                setattr(self, name, getattr(self, name)[keep])


class Kernel:
    """All moves of one row in one product, for every start.

    Parameters
    ----------
    basis : Basis
    plan : Plan
    movable : sequence of int
        Factors moved run by run.
    """

    def __init__(self, basis: Basis, plan: Plan, movable: list[int]) -> None:
        self.basis, self.plan = basis, plan
        self.movable = np.array(movable, dtype=np.int64)
        self.weight = 1.0 - plan.share
        self.buffer = np.zeros((0, 0))

    def slopes(self, state: State, i: int) -> FloatArray:
        """Return u of shape (s, f, q, p + b - 1) for the movable factors of row i."""
        basis, s = self.basis, state.coded.shape[0]
        total = state.rows.shape[-1]
        if self.buffer.shape[0] != s:
            self.buffer = np.zeros((s, basis.k * basis.q * basis.p))
        basis.slopes(state.spread[:, i], self.buffer)
        u = self.buffer.reshape(s, basis.k, basis.q, basis.p)
        if self.movable.size < basis.k:
            u = u[:, self.movable]
        if total > basis.p:
            u = np.concatenate([u, np.zeros((*u.shape[:-1], total - basis.p))], axis=-1)
        return u

    def base(self, state: State, i: int) -> FloatArray:
        """Return h of row i: the row itself, or what the error of its plot makes of it."""
        x: FloatArray = state.rows[:, i]
        w = self.weight[i]
        if w == 1.0:
            return x
        h: FloatArray = (x - (1.0 - w) * state.sums[:, self.plan.plot[i]]) / w
        return h

    def step(self, state: State, i: int, levels: FloatArray, values: FloatArray, allowed: BoolArray) -> None:
        """Make the best change of one coordinate of row i in every start, where there is a better one.

        Parameters
        ----------
        levels : ndarray, shape (s or 1, f, l)
            Settings to try.
        values : ndarray, shape (s or 1, f, l, q)
            Pieces at them.
        allowed : ndarray of bool, shape (s or 1, f, l)
        """
        s, f, q = state.coded.shape[0], self.movable.size, self.basis.q
        u, h, w = self.slopes(state, i), self.base(state, i), float(self.weight[i])
        now = state.spread[:, i, : self.basis.k * q].reshape(s, -1, q)[:, self.movable]
        d = values - now[:, :, None, :]
        flat = u.reshape(s, f * q, -1)
        mu = (flat @ state.inverse).reshape(u.shape)
        bent = None
        if self.plan.weights is not None:
            bent = _forms(d, u, (flat @ state.bent).reshape(u.shape), h)
        gain, mh = self._gain(state, h, w, _forms(d, u, mu, h), bent)
        moved, best = _winners(state, gain, allowed)
        if moved.size:
            j, level = np.divmod(best, levels.shape[-1])
            change = d[moved, j, level][:, None, :]
            delta, mdelta = (change @ u[moved, j])[:, 0], (change @ mu[moved, j])[:, 0]
            self._apply(state, i, moved, (h[moved], delta, mh[moved], mdelta, w))
            target = self.movable[j]
            state.coded[moved, i, target] = levels[0 if levels.shape[0] == 1 else moved, j, level]
            at = (target * q)[:, None] + np.arange(q)
            state.spread[moved[:, None], i, at] += change[:, 0]

    def replace(self, state: State, i: int, settings: FloatArray, allowed: BoolArray) -> None:
        """Replace row i of every start by the best of some settings, where one is better.

        Parameters
        ----------
        settings : ndarray, shape (s, m, k)
        allowed : ndarray of bool, shape (s, m)
        """
        spread = self.basis.spread(settings)
        rows = self.basis.join(spread)
        h, w, p = self.base(state, i), float(self.weight[i]), self.basis.p
        delta = np.zeros((*rows.shape[:2], h.shape[-1]))
        delta[..., :p] = rows - state.rows[:, i, None, :p]
        mdelta = delta @ state.inverse
        bent = None
        if self.plan.weights is not None:
            ndelta = delta @ state.bent
            bent = ((ndelta @ h[..., None])[..., 0], (ndelta * delta).sum(axis=-1))
        forms = (mdelta @ h[..., None])[..., 0], (mdelta * delta).sum(axis=-1)
        gain, mh = self._gain(state, h, w, forms, bent)
        moved, best = _winners(state, gain, allowed)
        if moved.size:
            parts = (h[moved], delta[moved, best], mh[moved], mdelta[moved, best], w)
            self._apply(state, i, moved, parts)
            state.coded[moved, i] = settings[moved, best]
            state.spread[moved, i] = spread[moved, best]

    def _gain(
        self,
        state: State,
        h: FloatArray,
        w: float,
        forms: tuple[FloatArray, FloatArray],
        bent: tuple[FloatArray, FloatArray] | None,
    ) -> tuple[FloatArray, FloatArray]:
        """Growth of the determinant, or old over new tr(W M), of every move; and M h."""
        tail = (1,) * (forms[0].ndim - 1)
        mh = (state.inverse @ h[..., None])[..., 0]
        vh = (mh * h).sum(axis=-1).reshape(-1, *tail)
        vg, vgh = vh + 2.0 * forms[0] + forms[1], vh + forms[0]
        ratio = (1.0 + w * vg) * (1.0 - w * vh) + (w * vgh) ** 2
        if bent is None:
            return ratio, mh
        nh = ((state.bent @ h[..., None])[..., 0] * h).sum(axis=-1).reshape(-1, *tail)
        ng, ngh = nh + 2.0 * bent[0] + bent[1], nh + bent[0]
        sound = ratio > 1e-8
        fall = ((vh - 1.0 / w) * ng - 2.0 * vgh * ngh + (1.0 / w + vg) * nh) / np.where(sound, -ratio / w**2, 1.0)
        old = state.trace.reshape(-1, *tail)
        new = old - fall
        sound &= new > 0.0
        return np.where(sound, old / np.where(sound, new, 1.0), 0.0), mh

    def _apply(
        self,
        state: State,
        i: int,
        moved: npt.NDArray[np.intp],
        parts: tuple[FloatArray, FloatArray, FloatArray, FloatArray, float],
    ) -> None:
        """Two rank-one steps of the inverse, and the row, for the starts that move."""
        h, delta, mh, mdelta, w = parts
        update(state, moved, h, delta, mh, mh + mdelta, w)
        state.rows[moved, i] += delta
        if hasattr(state, "sums"):
            state.sums[moved, self.plan.plot[i]] += delta


def _winners(state: State, gain: FloatArray, allowed: BoolArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Starts that have a better move, and which."""
    s = gain.shape[0]
    flat = (gain if allowed.all() else np.where(allowed, gain, -np.inf)).reshape(s, -1)
    best = flat.argmax(axis=1)
    moved = np.flatnonzero((flat[np.arange(s), best] > 1.0 + _GAIN) & state.alive)
    return moved, best[moved]


def update(
    state: State,
    moved: npt.NDArray[np.intp],
    h: FloatArray,
    delta: FloatArray,
    mh: FloatArray,
    mg: FloatArray,
    w: float,
) -> None:
    """Bring inverse, N = M W M and the trace of some starts up to date after h became h + delta."""
    g = h + delta
    q = np.empty((*mg.shape, 2))
    q[..., 0], q[..., 1] = mg, mh
    cross = (mg * h).sum(-1)
    a, c = 1.0 / w + (mg * g).sum(-1), (mh * h).sum(-1) - 1.0 / w
    inner = np.empty((moved.size, 2, 2))
    det = a * c - cross**2
    inner[:, 0, 0], inner[:, 1, 1] = c / det, a / det
    inner[:, 0, 1] = inner[:, 1, 0] = -cross / det
    t = q @ inner
    everything = moved.size == state.coded.shape[0]
    if hasattr(state, "bent"):
        r = state.bent[moved] @ np.stack([g, h], axis=-1)
        core = np.stack([g, h], axis=-2) @ r
        state.trace[moved] -= (inner * core).sum(axis=(-1, -2))
        mixed = t @ r.swapaxes(-1, -2)
        state.bent[moved] += t @ core @ t.swapaxes(-1, -2) - mixed - mixed.swapaxes(-1, -2)
    if everything:
        state.inverse -= t @ q.swapaxes(-1, -2)
    else:
        state.inverse[moved] -= t @ q.swapaxes(-1, -2)


def _forms(d: FloatArray, u: FloatArray, mu: FloatArray, h: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return u' M h and u' M u of every move: linear and quadratic forms in the few pieces."""
    slope = (mu @ h[:, None, :, None])[..., 0]
    curve = mu @ u.swapaxes(-1, -2)
    linear = (d @ slope[..., None])[..., 0]
    quadratic = ((d @ curve) * d).sum(axis=-1)
    return linear, quadratic
