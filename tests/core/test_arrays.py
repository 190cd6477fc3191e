"""The door for plain data: what is refused, and that the message helps."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qstats._core.arrays import as_counts, as_exposure, as_vector
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats.errors import DataError, TooFewData


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (["1", "2"], "text"),
        ([1.0, "2"], "text"),
        ("12", "a str"),
        ({1: 2}, "a dict"),
        ([1 + 2j], "complex"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "dates"),
        ([[1, 2], [3, 4]], "2 dimensions"),
        ([[1], [2, 3]], "unequal length"),
        ([1.0, float("inf")], "inf at position 1"),
        ([1.0, None], "missing"),
        ([1.0, float("nan"), float("nan")], "position 1 and 1 more"),
        ([2**53 + 1], "2\\*\\*53"),
        ([10**400], "does not fit"),
        (5, "0 dimensions"),
        (None, "x:"),
        ([object()], "a object"),
    ],
)
def test_bad_input_is_a_data_error_that_names_it(data: Any, says: str) -> None:
    with pytest.raises(DataError, match=f"(?s)x.*{says}|{says}"):
        as_vector(data, "x")


@pytest.mark.parametrize("data", [[], np.array([]), [None]])
def test_empty_is_too_few(data: Any) -> None:
    with pytest.raises(TooFewData, match="at least 1"):
        as_vector(data, "x", missing="drop")


@pytest.mark.parametrize(
    "data",
    [
        [1, 2, 3],
        (1.0, 2, 3),
        np.array([1, 2, 3], dtype="u1"),
        [Decimal(1), 2, 3.0],
        np.ma.array([1, 2, 3]),
        range(1, 4),
    ],
)
def test_good_input_becomes_float64(data: Any) -> None:
    out = as_vector(data, "x")
    assert out.dtype == np.float64
    assert out.tolist() == [1.0, 2.0, 3.0]


def test_masked_and_none_are_gaps_where_allowed() -> None:
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
    assert np.isnan(as_vector(masked, "x", missing="drop")[1])
    assert np.isnan(as_vector([1, None, 3], "x", missing="drop")[1])


def test_large_values_are_not_taken_for_infinite() -> None:
    assert as_vector([1e300, -1e300], "x").tolist() == [1e300, -1e300]


@pytest.mark.parametrize("bad", [[-1, 2], [1.5, 2]])
def test_counts_are_whole_and_not_negative(bad: list[float]) -> None:
    with pytest.raises(DataError, match="counts are whole numbers"):
        as_counts(bad, "count")


def test_exposure() -> None:
    assert as_exposure(5, "e", 3).tolist() == [5.0, 5.0, 5.0]
    with pytest.raises(DataError, match="above zero"):
        as_exposure([1, 0], "e", 2)
    with pytest.raises(DataError, match="2 values came for 3 points"):
        as_exposure([1, 2], "e", 3)


def test_single_arguments() -> None:
    assert check_choice("a", "x", ("a", "b")) == "a"
    with pytest.raises(DataError, match=r"x: got 'c'; one of 'a', 'b' is wanted"):
        check_choice("c", "x", ("a", "b"))
    with pytest.raises(DataError, match=r"a fraction is wanted: 0\.95"):
        check_confidence(95)
    for bad in (0, 1, float("nan"), "0.9", True, None):
        with pytest.raises(DataError, match="confidence"):
            check_confidence(bad)
    with pytest.raises(DataError, match="at least 0"):
        check_number(-1, "x", least=0)


def test_dropping_is_advised_only_where_it_can_be_asked_for() -> None:
    for read in (as_vector, as_counts, lambda *a, **k: as_exposure(*a, 2, **k)):
        with pytest.raises(DataError, match=r"clean the data or pass missing='drop'$"):
            read([1.0, np.nan], "x")
        with pytest.raises(DataError, match=r"clean the data$"):
            read([1.0, np.nan], "x", missing="never")
    with pytest.raises(DataError, match=r"clean the data$"):  # one number for all cannot be left out
        as_exposure(np.nan, "x", 2, missing="drop")
