"""Figure of a design's evaluation: the numbers of the result, in both languages."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import qstats
from qstats import doe
from qstats.errors import DataError


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_map_and_curve_are_the_results(lang: str) -> None:
    r = doe.evaluate(doe.central_composite(["速度", "$T_1$ <b>"], rng=1), model="linear")
    ax = qstats.plot(r, lang=lang)
    left, right = ax.figure.axes
    np.testing.assert_allclose(left.images[0].get_array(), np.abs(r.correlation))
    assert next(t.get_text() for t in left.get_yticklabels()) == "速度"
    assert len([line for line in left.lines if line.get_gid() == "left out"]) == 2
    curve = next(line for line in right.lines if line.get_gid() == "fds")
    np.testing.assert_array_equal(curve.get_ydata(), r.fds_variance)
    assert right.get_ylim()[1] > r.largest_variance


def test_one_panel_on_axes_given() -> None:
    r = doe.evaluate(doe.full_factorial(3, rng=1), model="interactions")
    for panel in ("correlation", "fds"):
        ax = Figure().add_subplot()
        assert qstats.plot(r, ax=ax, panel=panel, title="T") is ax
        assert ax.get_title(loc="left") == "T"
    with pytest.raises(DataError, match="panel"):
        qstats.plot(r, panel="pie")
    with pytest.raises(DataError, match="ax"):
        qstats.plot(r, ax=Figure().add_subplot(), panel="all")
