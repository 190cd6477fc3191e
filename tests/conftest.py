"""What every test lives under: the global random state stays where it was."""

import os
from collections.abc import Iterator

# Two workers with two spinning BLAS threads each get in each other's way; set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _global_rng_untouched() -> Iterator[None]:
    before = np.random.get_state()  # noqa: NPY002 - looking after it is the point
    yield
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert np.array_equal(before[1], after[1]), "the test moved numpy's global random state"
