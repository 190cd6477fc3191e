"""CPU of the customer metrics: counting answers, resampling, many intervals and comparisons at once.

Run: ``OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/bench_voice.py``, under a minute (``--quick``: a tenth of the
size). One pass is the CPU time of ``x.sum()`` on the same one-byte column in the same process.
"""

from __future__ import annotations

import sys

import numpy as np
from measure import cpu, passes

from qstats.inference.multiplicity import adjust_pvalues
from qstats.table.net_promoter import NPS_SCALE
from qstats.table.scores import class_counts
from qstats.voice.nps.compare import compare_nps, compare_nps_counts
from qstats.voice.nps.one import nps, nps_from_counts
from qstats.voice.nps.resample import permutation_tails, resample_counts

QUICK = "--quick" in sys.argv
N = 1_000_000 if QUICK else 10_000_000
MANY = 10_000 if QUICK else 100_000
DRAWS = 100_000


def _counting() -> None:
    x = np.random.default_rng(1).integers(0, 11, N).astype(np.int8)
    print(f"{N:,} answers of one byte, passes")
    print(f"  three classes and the check of the scale {passes(lambda: class_counts(x, 6, 9, NPS_SCALE), x):6.2f}")
    print(f"  nps(x): the same with interval and p     {passes(lambda: nps(x, distribution=False), x):6.2f}")
    print(f"  nps(x, distribution=True)                {passes(lambda: nps(x, distribution=True), x):6.2f}")
    wide = x.astype(np.float64)
    print(f"  nps of float64                           {passes(lambda: nps(wide), wide):6.2f}")


def _resampling() -> None:
    print(f"{DRAWS:,} resamples, ms: drawing, whole bootstrap-t interval, permutation of two such samples")
    for n in (100, 1_000, 100_000, 10_000_000):
        d, u = int(0.15 * n), int(0.25 * n)
        counts = (d, u, n - d - u)
        draw = cpu(lambda c=counts: resample_counts(c, DRAWS, 1), 7)
        whole = cpu(lambda c=counts: nps_from_counts(*c, method="bootstrap-t", rng=1), 7)
        shuffle = cpu(lambda c=counts: permutation_tails(c, c, DRAWS, 1), 7)
        print(f"  n = {n:<12,} {1e3 * draw:6.1f} {1e3 * whole:6.1f} {1e3 * shuffle:6.1f}")


def _many() -> None:
    rng = np.random.default_rng(3)
    c = rng.integers(0, 50, (6, MANY))
    c[1] += 1
    c[4] += 1
    p = rng.uniform(size=MANY)
    print(f"{MANY:,} at once, s")
    print(f"  score intervals with p        {cpu(lambda: nps_from_counts(*c[:3]), 2):6.3f}")
    print(f"  MOVER comparisons with p      {cpu(lambda: compare_nps_counts(*c), 2):6.3f}")
    print(f"  Holm                          {cpu(lambda: adjust_pvalues(p), 2):6.3f}")


def _one() -> None:
    x, y = np.repeat([3, 8, 10], (15, 25, 60)), np.repeat([3, 8, 10], (25, 30, 45))
    print("one call on 100 answers, ms")
    print(f"  nps          {1e3 * cpu(lambda: nps(x), 50):6.2f}")
    print(f"  compare_nps  {1e3 * cpu(lambda: compare_nps(x, y), 50):6.2f}")


if __name__ == "__main__":
    _counting()
    _resampling()
    _many()
    _one()
