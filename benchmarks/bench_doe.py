"""CPU of designs: import, fractions, optimal designs, Latin hypercubes, evaluation.

Run: ``OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/bench_doe.py``
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from measure import cpu
from scipy.spatial.distance import pdist

from qstats import doe


def _seconds(what: str, job: Callable[[], object], repeat: int = 5, target: float | None = None) -> None:
    wanted = "" if target is None else f"  (target {target:g})"
    print(f"{what:<78} {cpu(job, repeat):8.4f} s{wanted}")


def _first(what: str, job: Callable[[], object], target: float | None = None) -> None:
    """Time the first call: a fraction that was found once is kept."""
    wanted = "" if target is None else f"  (target {target:g})"
    start = time.process_time()
    job()
    print(f"{what:<78} {time.process_time() - start:8.4f} s{wanted}")


def _designs() -> None:
    doe.fractional_factorial(3, runs=4, rng=1)  # what is imported on first use
    _first("least aberration, 9 factors in 32 runs", lambda: doe.fractional_factorial(9, runs=32, rng=1))
    _first("least aberration, 15 factors in 128 runs", lambda: doe.fractional_factorial(15, runs=128, rng=1), 0.5)
    _seconds("Plackett-Burman, 91 factors in 92 runs", lambda: doe.plackett_burman(91, rng=1))
    _seconds("definitive screening, 12 factors", lambda: doe.definitive_screening(12, rng=1))
    _seconds("central composite, 6 factors", lambda: doe.central_composite(6, rng=1))
    _seconds(
        "D-optimal, full quadratic, 10 factors, 80 runs, 10 starts",
        lambda: doe.optimal(10, runs=80, starts=10, rng=1), 3, 0.5,
    )  # fmt: skip
    _seconds("I-optimal, full quadratic, 4 factors, 25 runs, 40 starts",
             lambda: doe.optimal(4, runs=25, criterion="I", starts=40, rng=1), 3)  # fmt: skip
    _seconds("Latin hypercube, 100 runs of 8 factors", lambda: doe.latin_hypercube(8, runs=100, rng=1), 3, 0.25)
    coded = doe.latin_hypercube(8, runs=100, rng=1).coded
    print(
        f"{'   its least distance in the unit cube':<78} {pdist(0.5 * (np.asarray(coded) + 1.0)).min():8.3f}    (0.55)"
    )
    design = doe.central_composite(6, rng=1)
    _seconds("evaluate, central composite of 6 factors, quadratic", lambda: doe.evaluate(design, model="quadratic"))


def _analysis() -> None:
    rng = np.random.default_rng(1)
    design = doe.central_composite(["A", "B", "C"], kind="face", center_points=6, rng=1)
    x = np.asarray(design.coded)
    fast = 10.0 + x @ [1.0, 0.5, -0.5] + rng.normal(0.0, 0.3, len(design))
    good = 50.0 + x @ [0.8, 0.6, -0.2] - 0.5 * x[:, 0] ** 2 + rng.normal(0.0, 0.3, len(design))
    runs = doe.full_factorial(5, rng=1)
    y = 5.0 + runs.column("A") + rng.normal(size=32)
    _seconds("fit with diagnostics, 32 runs, 16 terms", lambda: doe.fit(runs, y, model="interactions"), 21, 0.005)
    _seconds("fit of counts, 32 runs", lambda: doe.fit(
        runs, rng.poisson(9.0, 32), model="linear", distribution="poisson"), 21)  # fmt: skip
    _seconds("effects and Lenth's margins, 32 runs", lambda: doe.effects(runs, y), 21)
    _seconds("stepwise selection, 15 candidate terms", lambda: doe.select_terms(runs, y, candidates="interactions"))
    _seconds("dispersion effects of Box and Meyer, 32 runs", lambda: doe.dispersion_effects(runs, y, model="A"))
    fits = [doe.fit(design, v, model="quadratic", name=n) for v, n in ((fast, "time"), (good, "quality"))]
    _seconds("response surface, 3 factors, with its region", lambda: doe.response_surface(fits[1]))
    asked = {"goals": {"time": "min", "quality": "max"}, "specs": {"quality": (50.0, None)}, "draws": 4000, "rng": 1}
    _seconds("trade-off, 4,000 draws, 3 factors, two quadratics", lambda: doe.tradeoff(fits, **asked), 3, 3.0)
    wanted = {"time": {"kind": "min", "low": 8, "high": 11}, "quality": {"kind": "max", "low": 49, "high": 51}}
    _seconds("optimum of the same by desirability", lambda: doe.optimize(fits, goals=wanted, rng=1), 3)


if __name__ == "__main__":
    _designs()
    _analysis()
