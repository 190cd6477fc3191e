"""What `import qstats` costs over `import numpy`: CPU time of fresh interpreters.

Run: ``.venv/bin/python benchmarks/bench_import.py``. The bytecode must exist and be used, so PYTHONDONTWRITEBYTECODE is
taken out of the environment. The gate in the tests is the set of modules loaded (`tests/test_face.py`), not this time.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys

REPEAT = 21
TARGET = 1.5


def _cpu(code: str) -> float:
    """Return user and system seconds of one fresh interpreter that runs `code`."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def measure(repeat: int = REPEAT) -> dict[str, float]:
    """Return the median CPU seconds of nothing, numpy, qstats, and of one chart; the jobs take turns."""
    jobs = {
        "python": "pass",
        "numpy": "import numpy",
        "qstats": "import qstats",
        "one chart": "import qstats; qstats.individuals([1.0, 2.0, 3.0, 2.0, 1.0, 2.0])",
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for code in jobs.values():
        _cpu(code)
    for _ in range(repeat):
        for name, code in jobs.items():
            times[name].append(_cpu(code))
    return {name: statistics.median(values) for name, values in times.items()}


if __name__ == "__main__":
    found = measure()
    for job, seconds in found.items():
        print(f"{job:<10} {1000 * seconds:7.1f} ms CPU")
    print(f"import qstats / import numpy: {found['qstats'] / found['numpy']:.2f} (target at most {TARGET})")
