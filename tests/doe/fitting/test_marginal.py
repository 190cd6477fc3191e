"""Means by setting: R's emmeans, plain averages, and invariances."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats import doe
from qstats.doe.fitting.door import fit
from qstats.doe.fitting.marginal import marginal_means
from qstats.errors import DataError


def test_against_emmeans() -> None:
    path = Path(__file__).parents[2] / "reference" / "doe_fits.json"
    held = json.loads(path.read_text(encoding="utf-8"))["r"]
    (case,) = [c for c in held if c["id"] == "emmeans-warp"]
    record = doe.from_runs(case["inputs"]["D"], ["wool", "tension"], responses="breaks")
    found = fit(record, "breaks", model="wool*tension")
    ours = marginal_means(found, ("wool", "tension"))  # R's levels, too, are in the order of the alphabet
    np.testing.assert_allclose(ours.mean, case["expected"]["em"], rtol=1e-9)
    np.testing.assert_allclose(ours.interval.low, case["expected"]["lo"], rtol=1e-9)
    averaged = marginal_means(found, "tension")
    assert averaged.averaged == ("wool",)
    np.testing.assert_allclose(averaged.mean, np.reshape(case["expected"]["em"], (2, 3)).mean(axis=0), rtol=1e-9)


def _fit(seed: int = 1, model: Any = "interactions") -> Any:
    rng = np.random.default_rng(seed)
    design = doe.full_factorial({"T": (20, 60), "glue": ["A", "B", "C"], "t": (1, 2)}, replicates=2, rng=seed)
    return fit(design, rng.normal(10.0, 1.0, len(design)), model=model)


@given(st.integers(0, 100))
def test_balanced_and_saturated_in_a_factor_it_is_the_average_of_the_data(seed: int) -> None:
    found = _fit(seed)
    ours = marginal_means(found, ("glue", "T"))
    y, d = np.asarray(found.y), found.design
    for i, mean in enumerate(ours.mean):
        at = (d.natural("glue") == ours.settings["glue"][i]) & (d.natural("T") == ours.settings["T"][i])
        assert mean == pytest.approx(y[at].mean(), rel=1e-12)


def test_intervals_are_those_of_prediction_where_nothing_is_averaged() -> None:
    found = _fit()
    ours = marginal_means(found, "T", at={"glue": "B", "t": 1.25}, points=5)
    theirs = found.predict({"T": ours.settings["T"], "glue": ["B"] * 5, "t": [1.25] * 5})
    np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-12)
    np.testing.assert_allclose(ours.interval.low, theirs.interval.low, rtol=1e-12)


def test_the_link_is_undone() -> None:
    design = doe.full_factorial({"T": (20, 60), "glue": ["A", "B"]}, replicates=3, rng=1)
    count = np.random.default_rng(3).poisson(4.0 + 3.0 * (design.natural("glue") == "B"))
    found = fit(design, count, distribution="poisson")
    ours = marginal_means(found, "glue")
    assert ours.link == "log" and (ours.interval.low > 0).all()
    log = np.log(ours.mean)
    np.testing.assert_allclose(log[1] - log[0], 2.0 * found.estimate[list(found.labels).index("glue[B]")], rtol=1e-9)


def test_shares_of_a_mixture_are_filled_up() -> None:
    design = doe.mixture(["a", "b", "c"], kind="lattice", degree=2, rng=1)
    found = fit(design, design.column("a") + 2.0 * design.column("b") + 3.0 * design.column("c"), model="linear")
    np.testing.assert_allclose(marginal_means(found, "a").mean, [2.5, 1.75, 1.0], rtol=1e-9)


@pytest.mark.parametrize(
    ("factors", "more"),
    [
        ("Z", {}),
        ((), {}),
        (("T", "T"), {}),
        ("T", {"at": {"T": 20}}),
        ("T", {"at": {"glue": "Z"}}),
        ("T", {"points": 1}),
        (("T", "t"), {"points": 1000}),
    ],
)
def test_wrong_calls(factors: Any, more: Any) -> None:
    with pytest.raises(DataError):
        marginal_means(_fit(), factors, **more)
    with pytest.raises(DataError, match=r"doe\.fit"):
        marginal_means(3, "T")
