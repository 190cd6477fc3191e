"""Make the table of Lenth's null distribution: ``python -m qstats.doe.contrasts.generate FILE [CONTRASTS]``.

Standard normal contrasts are drawn from numpy's PCG64 with the seed ``[SEED, m]``, as many sets for each number m of
contrasts as make `CONTRASTS` of them in all (2e8 unless told). It runs for minutes; the table is part of the package.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from qstats.doe.contrasts.null import SEED, TABLED, simulate_null

__all__ = ["main"]

CONTRASTS = 200_000_000


def main(arguments: Sequence[str]) -> None:
    """Write the table."""
    values = int(float(arguments[1])) if len(arguments) > 1 else CONTRASTS
    numbers = np.arange(TABLED[0], TABLED[1] + 1)
    made = [simulate_null(int(m), values // int(m)) for m in numbers]
    np.savez_compressed(
        arguments[0], m=numbers, seed=np.array(SEED), sets=np.array([n.sets for n in made]),
        individual=np.array([n.individual for n in made], dtype=np.float32),
        simultaneous=np.array([n.simultaneous for n in made], dtype=np.float32),
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
