"""What every test lives under: the global random state stays where it was."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _global_rng_untouched() -> Iterator[None]:
    before = np.random.get_state()  # noqa: NPY002 - looking after it is the point
    yield
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert np.array_equal(before[1], after[1]), "the test moved numpy's global random state"
