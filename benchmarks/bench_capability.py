"""CPU of capability, its bootstrap, many characteristics, non-normal fits, and gauge studies.

Run: ``OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/bench_capability.py``
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from measure import cpu, growth, passes, per_call

from qstats import Spec, capability_columns, gauge_rr, gauge_rr_many, nonnormal_capability, process_capability
from qstats.capability.bootstrap import bootstrap_ppk
from qstats.msa.gauge.many import gauge_kernel

LONG = 10_000_000


def _ms(what: str, job: Callable[[], object], repeat: int = 3) -> None:
    print(f"{what:<70} {cpu(job, repeat) * 1e3:9.1f} ms")


def _capability(rng: np.random.Generator) -> None:
    x = rng.normal(10.0, 1.0, LONG)
    groups = x.reshape(-1, 5)
    for what, data in (("in subgroups of 5", groups), ("single", x)):
        job = passes(lambda d=data: process_capability(d, spec=(5, 15)), x)
        print(f"process_capability, 1e7 values {what}: {job:.1f} passes")
    few = x[:1000]
    job = passes(lambda: bootstrap_ppk(few, Spec(7.0, 13.0), 10_000, 0.95, 1), x)
    print(f"bootstrap of Ppk, 10,000 resamples of 1,000: {job:.1f} passes of 1e7")

    def make(n: int) -> Callable[[], object]:
        part = groups[: n // 5]
        return lambda: process_capability(part, spec=(5, 15))

    print("growth from 1e5 to 1e6 to 1e7:", [f"{g:.2f}" for g in growth(make, (10**5, 10**6, 10**7))])
    small = groups[:25]
    seconds = per_call(lambda: process_capability(small, spec=(5, 15)), 20)
    print(f"process_capability, 25 subgroups of 5: {seconds * 1e3:.1f} ms")
    wide = rng.normal(size=(200, 10_000))
    _ms("capability_columns, 10,000 characteristics of 200 values", lambda: capability_columns(wide, spec=(-4, 4)))


def _nonnormal(rng: np.random.Generator) -> None:
    x = rng.lognormal(0.0, 0.5, 200)
    for method in ("lognormal", "weibull", "gamma", "lognormal3", "boxcox", "weibull3", "johnson", "auto"):
        _ms(
            f"nonnormal_capability, {method}, n = 200, 1,000 resamples",
            lambda m=method: nonnormal_capability(x, spec=(None, 6), method=m, rng=1),
            1,
        )


def _gauges(rng: np.random.Generator) -> None:
    part = rng.normal(size=(10_000, 10, 1, 1))
    many = part + rng.normal(0, 0.2, (10_000, 1, 3, 1)) + rng.normal(0, 0.3, (10_000, 10, 3, 3))
    _ms("gauge R&R of 10,000 characteristics, 10 x 3 x 3: the kernel", lambda: gauge_kernel(many, 2.0), 31)
    _ms("gauge R&R of 10,000 characteristics, 10 x 3 x 3: the whole call", lambda: gauge_rr_many(many), 31)
    one = many[0]
    _ms("gauge_rr, 10 x 3 x 3, all intervals", lambda: gauge_rr(one), 7)


if __name__ == "__main__":
    generator = np.random.default_rng(1)
    _capability(generator)
    _nonnormal(generator)
    _gauges(generator)
