"""CPU and memory of a verdict: 36 months, ten years of days with 60 categories, ten million rows in an engine.

Run: ``OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/bench_improve.py`` (``--quick``: a tenth of the rows). The ten
million rows stand in a Parquet file in a temporary folder; each engine reads it in a process of its own, since the peak
of memory is that of a process. Engines work on threads of their own: their figures are wall-clock seconds.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measure import cpu

from qstats import LogColumns, VerificationPlan, verify_improvement

QUICK = "--quick" in sys.argv
ROWS = 1_000_000 if QUICK else 10_000_000
DAYS = pd.date_range("2015-01-01", "2024-12-31", freq="D")
KINDS = 60
ENGINES = ("duckdb", "polars")


def _months() -> None:
    rng = np.random.default_rng(1)
    months = pd.date_range("2022-01-01", periods=36, freq="MS")
    level = np.where(np.arange(36) < 24, 30.0, 18.0)
    log = pd.DataFrame({"date": months, "n": rng.poisson(level), "units": 1000.0})
    plan = VerificationPlan("Fewer?", "2024-01-01", ("2022-01-01", "2023-12-31"), "2024-12-31")
    columns = LogColumns(events="n", exposure="units")
    for full in (True, False):
        seconds = cpu(lambda f=full: verify_improvement(plan, log, exposure=log, columns=columns, full=f), 7)
        print(f"36 months, full={full!s:<5}                          {1e3 * seconds:8.1f} ms CPU")


def _plan(period: str, control: str) -> VerificationPlan:
    return VerificationPlan(
        "Fewer?", "2022-01-01", ("2015-01-01", "2021-12-31"), "2024-12-31", period=period, category="k07",
        control=control,
    )  # fmt: skip


def _exposure() -> pd.DataFrame:
    return pd.DataFrame({"date": DAYS, "exposure": np.random.default_rng(2).integers(900, 1100, DAYS.size)})


def _decade() -> None:
    rng = np.random.default_rng(3)
    n = rng.poisson(3.0, (DAYS.size, KINDS))
    kinds = np.array([f"k{i:02d}" for i in range(KINDS)])
    log = pd.DataFrame({"date": DAYS.repeat(KINDS), "category": np.tile(kinds, DAYS.size), "n": n.ravel()})
    exposure = _exposure()
    columns = LogColumns(events="n", category="category")
    for period in ("day", "week", "month"):
        for control in ("none", "untargeted_categories"):
            plan = _plan(period, control)
            seconds = cpu(lambda p=plan: verify_improvement(p, log, exposure=exposure, columns=columns), 1)
            print(f"ten years by {period:<6} 60 categories, control {control:<22} {seconds:6.2f} s CPU")


def _write(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(4)
    kinds = np.array([f"k{i:02d}" for i in range(KINDS)])
    with pq.ParquetWriter(path, _table(pa, rng, kinds, 0, 1).schema) as file:
        for start in range(0, ROWS, 1_000_000):
            file.write_table(_table(pa, rng, kinds, start, min(1_000_000, ROWS - start)))


def _table(pa: Any, rng: np.random.Generator, kinds: np.ndarray, start: int, size: int) -> Any:
    day = DAYS.to_numpy().astype("datetime64[D]")[0] + rng.integers(0, DAYS.size, size)
    return pa.table(
        {
            "id": np.arange(start, start + size),
            "date": day,
            "received": day + rng.integers(0, 20, size),
            "category": kinds[rng.integers(0, KINDS, size)],
        }
    )


def _peak() -> float:
    """Return the most memory this process has held, MB: getrusage would hand on the peak of the parent."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None, "Linux is wanted: /proc/self/status has no VmHWM"
    return int(found[1]) / 1024


def _engine(name: str, path: str) -> None:
    """One verdict on the file through one engine; the memory it added to the process."""
    if name == "duckdb":
        import duckdb

        log: Any = duckdb.sql(f"select * from '{path}'")
    else:
        import polars as pl

        log = pl.scan_parquet(path)
    # The engine's own code and threads are paid before.
    plan, exposure = _plan("month", "untargeted_categories"), _exposure()
    small = pd.DataFrame({"date": DAYS.repeat(2), "category": np.tile(["k07", "k08"], DAYS.size)})
    verify_improvement(plan, small, exposure=exposure, columns=LogColumns(category="category"))
    for what, more in (("date and category", {}), ("id and receipt too", {"id": "id", "received": "received"})):
        before, start = _peak(), time.perf_counter()
        columns = LogColumns(category="category", **more)
        verify_improvement(plan, log, exposure=exposure, columns=columns, data_date="2025-01-31")
        grown = _peak() - before
        print(f"{name:<7} {what:<19} {time.perf_counter() - start:6.2f} s, {grown:6.0f} MB more", flush=True)


def _millions() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        _write(path)
        print(f"{ROWS:,} rows of a Parquet file of {path.stat().st_size / 1e6:.0f} MB, one verdict", flush=True)
        for name in ENGINES:
            subprocess.run([sys.executable, __file__, "--engine", name, str(path)], check=True)


if __name__ == "__main__":
    if "--engine" in sys.argv:
        _engine(*sys.argv[sys.argv.index("--engine") + 1 :])
    else:
        _months()
        _decade()
        _millions()
