"""The same work by other packages: CPU seconds and passes, one process a job, with a time limit.

The packages are not dependencies: install them into an environment of their own and name its interpreter.

    python -m venv peers && peers/bin/pip install pyspc statprocon manufacturing process-improve mfgqc pyshewhart
    .venv/bin/python benchmarks/peers.py peers/bin/python

R is asked too where ``Rscript`` and the package qcc are installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

ENV = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # spinning BLAS threads would count as CPU
LIMIT = 120  # seconds a job may take
SIZES = (10_000, 100_000, 1_000_000)

_HEAD = """
import json, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
n = int(sys.argv[1])
x = np.random.default_rng(1).normal(10.0, 1.0, n)
def cpu(job, repeat):
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time(); job(); best = min(best, time.process_time() - start)
    return best
"""
_TAIL = """
first = cpu(job, 1)
print(json.dumps([first if first > 5 else cpu(job, 3), cpu(x.sum, 51)]))
"""

# (package, job) -> what it takes to do the job there; the calculation only, where the package allows it.
JOBS: dict[tuple[str, str], str] = {
    ("qstats", "I-MR"): "import qstats\njob = lambda: qstats.individuals(x)",
    ("qstats", "I-MR, eight rules"): "import qstats\njob = lambda: qstats.individuals(x, rules='nelson')",
    ("qstats", "Xbar-R (n = 5)"): "import qstats\ng = x.reshape(-1, 5)\njob = lambda: qstats.xbar_r(g)",
    ("qstats", "EWMA"): "import qstats\njob = lambda: qstats.ewma(x)",
    ("qstats", "CUSUM"): "import qstats\njob = lambda: qstats.cusum(x)",
    ("pyspc", "I-MR"): "from pyspc.ccharts.mr import mr, xmr\nv = x.tolist()\n"
    "job = lambda: (xmr().plot(v, 1), mr().plot(v, 1))",
    ("pyspc", "Xbar-R (n = 5)"): "from pyspc.ccharts.xbar_rbar import xbar_rbar, rbar\ng = x.reshape(-1, 5).tolist()\n"
    "job = lambda: (xbar_rbar().plot(g, 5), rbar().plot(g, 5))",
    (
        "pyspc",
        "EWMA",
    ): "from pyspc.ccharts.ewma import ewma\nv = x.tolist()\njob = lambda: ewma(target=10.0).plot(v, 1)",
    (
        "pyspc",
        "CUSUM",
    ): "from pyspc.ccharts.cusum import cusum\nv = x.tolist()\njob = lambda: cusum(target=10.0).plot(v, 1)",
    ("statprocon", "I-MR"): "from statprocon import XmR\nv = x.tolist()\n"
    "def job():\n    c = XmR(v)\n    return c.upper_natural_process_limit(), c.upper_range_limit(), c.moving_ranges()",
    (
        "manufacturing",
        "I-MR, eight rules",
    ): "import inspect\nimport pandas as pd\nfrom manufacturing import analysis as a\n"
    "s = pd.Series(x)\nline = {'upper_control_limit': 13.0, 'lower_control_limit': 7.0}\n"
    "calls = [(f, {k: v for k, v in line.items() if k in inspect.signature(f).parameters})\n"
    "         for f in (getattr(a, k) for k in dir(a) if k.startswith('control_'))]\n"
    "def job():\n    d = s.diff().abs().mean()\n    for f, more in calls:\n        f(s, **more)",
    (
        "process-improve",
        "I-MR",
    ): "from process_improve.monitoring.control_charts import ControlChart\nimport pandas as pd\n"
    "s = pd.Series(x)\ndef job():\n    c = ControlChart(variant='xbar.no.subgroup')\n    c.calculate_limits(s)",
    (
        "mfgqc",
        "I-MR, eight rules",
    ): "import mfgqc\nimport pandas as pd\nd = mfgqc.load(pd.DataFrame({'x': x}), measure='x')\n"
    "job = lambda: d.control_chart('i_mr', rules='nelson')",
    ("pyshewhart", "Xbar-R (n = 5), drawn"): "import matplotlib\nmatplotlib.use('Agg')\n"
    "from pyshewhart.control_charts import XbarRControlChart\nv = x.tolist()\n"
    "job = lambda: XbarRControlChart(v, sample_size=5)",
}


def run(python: str, code: str, n: int) -> tuple[float, float] | str:
    """Return CPU seconds of the job and of one pass, or why there are none."""
    try:
        done = subprocess.run(
            [python, "-c", _HEAD + code + _TAIL, str(n)],
            env=ENV,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"over {LIMIT} s"
    if done.returncode:
        return "failed: " + (done.stderr.strip().splitlines() or ["?"])[-1][:100]
    seconds, one = json.loads(done.stdout.strip().splitlines()[-1])
    return seconds, one


def run_qcc(n: int) -> tuple[float, float] | str:
    """Return the same of R qcc, an Xbar-R chart of subgroups of five."""
    if shutil.which("Rscript") is None:
        return "no R here"
    code = (
        f"suppressMessages(library(qcc)); set.seed(1); x <- matrix(rnorm({n}), ncol=5); "
        "t <- system.time({qcc(x, type='xbar', plot=FALSE); qcc(x, type='R', plot=FALSE)}); "
        f"y <- rnorm({n}); s <- min(sapply(1:21, function(i) system.time(sum(y))[[1]])); "
        "cat(t[[1]] + t[[2]], max(s, 1e-4))"
    )
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode:
        return "failed: qcc is not installed"
    seconds, one = map(float, done.stdout.split()[-2:])
    return seconds, one


def main() -> None:
    """Print one line per package, job and size."""
    if len(sys.argv) != 2:
        sys.exit("usage: peers.py PYTHON_OF_THE_PEERS")
    for (package, job), code in sorted(JOBS.items(), key=lambda item: item[0][1]):
        python = sys.executable if package == "qstats" else sys.argv[1]
        for n in SIZES:
            got = run(python, code, n)
            text = got if isinstance(got, str) else f"{got[0]:.4f} s, {got[0] / got[1]:,.0f} passes"
            print(f"{job} | {package} | n = {n:.0e} | {text}", flush=True)
            if isinstance(got, str):
                break
    for n in SIZES[:2]:
        got = run_qcc(n)
        print(
            f"Xbar-R (n = 5) | R qcc | n = {n:.0e} | {got if isinstance(got, str) else f'{got[0]:.3f} s'}", flush=True
        )
        if isinstance(got, str):
            break


if __name__ == "__main__":
    main()
