"""CPU of one comparison of rates in microseconds: ``.venv/bin/python benchmarks/bench_calls.py``."""

from __future__ import annotations

from measure import per_call

import qstats


def main() -> None:
    """Print the table of `benchmarks/README.md`."""
    for counts in ((12, 100, 30, 100), (1200, 100, 1300, 100), (0, 500, 12, 1000)):
        for method in ("midp", "exact", "score"):
            micro = 1e6 * per_call(lambda counts=counts, method=method: qstats.compare_rates(*counts, method=method))
            print(f"compare_rates{counts}, {method}: {micro:.0f} us")


if __name__ == "__main__":
    main()
