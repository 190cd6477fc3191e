"""Labels that are made when read."""

import pickle

import numpy as np
import pytest

from qstats.spc.labels import PhaseNames, PointLabels, phase_ends, text_of


def test_numbered():
    labels = PointLabels(3)
    assert labels == ("1", "2", "3")
    assert labels.numbered
    assert labels[-1] == "3"
    assert labels[1:] == ("2", "3")
    assert hash(labels) == hash(("1", "2", "3"))
    assert repr(PointLabels(6)) == "('1', '2', '3', '4', '5', ...)"
    assert labels != ("1", "2")
    assert labels != 3
    assert pickle.loads(pickle.dumps(labels)) == labels
    with pytest.raises(IndexError, match="item 3 of 3"):
        labels[3]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (np.float64(2.5), "2.5"),
        (7, "7"),
        ("批次7", "批次7"),
        (np.datetime64("2024-01-05T00:00:00", "us"), "2024-01-05"),
        (np.datetime64("2024-01-05T10:30:00", "us"), "2024-01-05T10:30:00"),
        (np.datetime64("2024-01-05T10:30:00.5", "us"), "2024-01-05T10:30:00.500000"),
    ],
)
def test_text(value, text):
    assert text_of(value) == text


def test_phase_names():
    names = PhaseNames(("before", "after"), (2, 5))
    assert names == ("before", "before", "after", "after", "after")
    assert names[1] == "before"
    assert names[2] == "after"
    assert list(names) == [names[i] for i in range(5)]
    assert phase_ends(names) == phase_ends(tuple(names)) == (2, 5)
