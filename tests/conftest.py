"""What every test lives under: the global random state stays where it was."""

import os
from collections.abc import Callable, Iterator
from typing import Any

# Two workers with two spinning BLAS threads each get in each other's way; set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

# How long a call takes is measured in benchmarks: on a busy machine a deadline fails tests that are right.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _global_rng_untouched() -> Iterator[None]:
    before = np.random.get_state()  # noqa: NPY002 - looking after it is the point
    yield
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert np.array_equal(before[1], after[1]), "the test moved numpy's global random state"


@pytest.fixture
def in_polars() -> Callable[[Any], list[Any]]:
    """Rows (or a pandas frame) as a polars frame, in a list; an empty list where polars is not installed."""

    def turned(rows: Any) -> list[Any]:
        try:
            import polars as pl
        except ImportError:
            return []
        return [pl.DataFrame(rows.to_dict("list") if hasattr(rows, "to_dict") else rows)]

    return turned
