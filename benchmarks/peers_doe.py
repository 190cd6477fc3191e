"""The same designs by other packages: CPU seconds and how good the design is, one process a job, with a time limit.

The packages are not dependencies: install them into an environment of their own and name its interpreter.

    python -m venv peers && peers/bin/pip install pyDOE3 pydoe process-improve
    .venv/bin/python benchmarks/peers_doe.py peers/bin/python

R's AlgDesign is asked too where ``Rscript`` and the package are installed. Quality is computed here, from the matrix
alone, in the same way for all.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

from peers import ENV, LIMIT

_HEAD = """
import itertools, json, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
k, n = int(sys.argv[1]), int(sys.argv[2])
def quadratic(d):
    pairs = [d[:, i] * d[:, j] for i, j in itertools.combinations(range(d.shape[1]), 2)]
    return np.column_stack([np.ones(len(d)), d, *pairs, d**2])
def d_efficiency(d):
    x = quadratic(d)
    return "%.3f %%" % (100 * max(np.linalg.det(x.T @ x), 0.0) ** (1 / x.shape[1]) / len(d))
def words(d):
    found = [sum(abs(d[:, c].prod(axis=1).sum()) == len(d) for c in map(list, itertools.combinations(range(k), w)))
             for w in (3, 4, 5)]
    return "%d runs, words of length 3, 4, 5: %d, %d, %d" % (len(d), *found)
def distance(d):
    u = (d - d.min(axis=0)) / np.ptp(d, axis=0) * (1 - 1 / len(d)) + 0.5 / len(d)
    return "least distance %.3f" % min(np.sqrt(((u[i] - u[:i]) ** 2).sum(axis=1)).min() for i in range(1, len(u)))
def orthogonal(d):
    cross = np.abs(d.T @ d - len(d) * np.eye(d.shape[1])).max()
    return "%d runs, %s" % (len(d), "orthogonal" if cross < 1e-9 else "NOT orthogonal")
"""
_TAIL = """
job()
start = time.process_time(); d = np.asarray(job(), dtype=float)
print(json.dumps([time.process_time() - start, judge(d)]))
"""
_PI = (
    "import logging; logging.disable(logging.CRITICAL)\n"
    "from process_improve.experiments import Factor, generate_design\n"
    "f = [Factor(name='x%d' % i, low=-1, high=1) for i in range(k)]\n"
    "names = [v.name for v in f]\n"
    "made = lambda **how: generate_design(f, **how).design[names].to_numpy()\n"
)
_D, _FRACTION, _LHS, _PB = "judge = d_efficiency\n", "judge = words\n", "judge = distance\n", "judge = orthogonal\n"
_BEST_OF_FIVE = (
    "c = generate_candidate_set(k, n_levels=3)\n"
    "methods = 'sequential simple_exchange fedorov modified_fedorov detmax'.split()\n"
    "def job():\n    made = [optimal_design(c, n, degree=2, criterion='D', method=m)[0] for m in methods]\n"
    "    x = [quadratic(np.asarray(d)) for d in made]\n"
    "    return made[int(np.argmax([np.linalg.det(v.T @ v) for v in x]))]"
)

# job -> sizes (factors, runs), and how each package does it
JOBS: dict[str, tuple[list[tuple[int, int]], dict[str, str]]] = {
    "D-optimal, full quadratic": (
        [(3, 10), (4, 15), (5, 21), (6, 32)],
        {
            "qstats (1 s)": _D
            + "from qstats import doe\njob = lambda: doe.optimal(k, runs=n, rng=1, seconds=1.0).coded",
            "process-improve": _PI
            + _D
            + "job = lambda: made(design_type='d_optimal', budget=n, model_type='quadratic')",
            "pydoe": _D + "from pydoe import optimal_design, generate_candidate_set\n" + _BEST_OF_FIVE,
            "pyDOE3": _D + "from pyDOE3.doe_optimal import optimal_design, generate_candidate_set\n" + _BEST_OF_FIVE,
        },
    ),
    "two-level fraction": (
        [(9, 32), (11, 64)],
        {
            "qstats": _FRACTION
            + "from qstats import doe\njob = lambda: doe.fractional_factorial(k, runs=n, rng=1).coded",
            "process-improve": _PI
            + _FRACTION
            + "job = lambda: made(design_type='fractional_factorial', budget=n, n_center_points=0)",
            "pydoe": _FRACTION + "from pydoe import fracfact_by_res\njob = lambda: fracfact_by_res(k, 4)",
            "pyDOE3": _FRACTION + "from pyDOE3 import fracfact_by_res\njob = lambda: fracfact_by_res(k, 4)",
        },
    ),
    "maximin Latin hypercube": (
        [(8, 100)],
        {
            "qstats": _LHS + "from qstats import doe\njob = lambda: doe.latin_hypercube(k, runs=n, rng=1).coded",
            "process-improve": _PI + _LHS + "job = lambda: made(design_type='maximin_lhs', budget=n)",
            "pydoe": _LHS + "from pydoe import lhs\njob = lambda: lhs(k, n, criterion='maximin', iterations=1000)",
            "pyDOE3": _LHS + "from pyDOE3 import lhs\njob = lambda: lhs(k, n, criterion='maximin', iterations=1000)",
        },
    ),
    "Plackett-Burman": (
        [(23, 24), (27, 28), (91, 92)],
        {
            "qstats": _PB + "from qstats import doe\njob = lambda: doe.plackett_burman(k, rng=1).coded",
            "process-improve": _PI + _PB + "job = lambda: made(design_type='plackett_burman', n_center_points=0)",
            "pydoe": _PB + "from pydoe import pbdesign\njob = lambda: pbdesign(k)",
            "pyDOE3": _PB + "from pyDOE3 import pbdesign\njob = lambda: pbdesign(k)",
        },
    ),
}


def run(python: str, code: str, size: tuple[int, int]) -> str:
    """Return CPU seconds (of the second call) and quality of one job, or why there are none."""
    try:
        done = subprocess.run(
            [python, "-c", _HEAD + code + _TAIL, *map(str, size)],
            env=ENV, capture_output=True, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"over {LIMIT} s"
    if done.returncode:
        return "failed: " + (done.stderr.strip().splitlines() or ["?"])[-1][:100]
    seconds, quality = json.loads(done.stdout.strip().splitlines()[-1])
    return f"{seconds:.3f} s, {quality}"


def run_algdesign(k: int, n: int) -> str:
    """Return the same of AlgDesign's Federov exchange over three levels, 100 repeats."""
    if shutil.which("Rscript") is None:
        return "no R here"
    code = (
        f"suppressMessages(library(AlgDesign)); set.seed(1); g <- gen.factorial(3, {k}); "
        f"t <- system.time(r <- optFederov(~quad(.), g, nTrials={n}, criterion='D', nRepeats=100)); "
        "cat(sprintf('%.3f s, %.3f %%', t[[1]] + t[[2]], 100 * r$D))"
    )
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.stdout.strip() if not done.returncode else "failed: AlgDesign is not installed"


def main() -> None:
    """Print one line per job, size and package."""
    if len(sys.argv) != 2:
        sys.exit("usage: peers_doe.py PYTHON_OF_THE_PEERS")
    for job, (sizes, packages) in JOBS.items():
        for k, n in sizes:
            for package, code in packages.items():
                python = sys.executable if package.startswith("qstats") else sys.argv[1]
                print(f"{job} | {k} factors, {n} runs | {package} | {run(python, code, (k, n))}", flush=True)
            if job.startswith("D-optimal"):
                print(f"{job} | {k} factors, {n} runs | R AlgDesign | {run_algdesign(k, n)}", flush=True)


if __name__ == "__main__":
    main()
