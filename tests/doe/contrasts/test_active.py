"""Posterior probabilities of active factors: BsMD in R."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qstats.doe import full_factorial, plackett_burman
from qstats.doe.contrasts.active import active_factor_probabilities
from qstats.doe.design import Design, make_design
from qstats.doe.factor import as_factors
from qstats.errors import DataError, DesignError

HELD = json.loads((Path(__file__).parents[2] / "reference" / "doe_contrasts.json").read_text())
CASES = {c["id"]: c for c in HELD["oracle"] if c["id"].startswith("bsprob-")}
# order, prior and gamma of each call in R
OPTIONS = {"bsprob-bm93": (3, 0.25, 1.6), "bsprob-reactor-frac": (3, 0.25, 0.4)}


def case(name: str) -> tuple[Design, np.ndarray[Any, Any], dict[str, Any]]:
    held = CASES[name]
    x = np.array(held["inputs"]["X"]["values"], dtype=float)
    design = make_design(name, as_factors(held["inputs"]["X"]["colnames"]), x, rng=1)
    return design, np.array(held["inputs"]["y"]), held["expected"]


@pytest.mark.parametrize("name", list(CASES))
def test_probabilities_are_those_of_r(name: str) -> None:
    design, y, want = case(name)  # BsMD 2023.920 BsProb, R 4.2.2; single precision inside: 1e-5
    order, prior, gamma = OPTIONS.get(name, (1, 0.2, 10.0))
    held = active_factor_probabilities(design, y, order=order, prior=prior, gamma=gamma)
    prob = np.ravel(want["prob"]["values"])
    assert held.none == pytest.approx(prob[0], rel=1e-4, abs=1e-6)
    np.testing.assert_allclose(held.probability, prob[1:], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(held.model_probability[:5], want["ptop"], rtol=1e-4, atol=1e-6)


def test_blocks_shift_and_scale_do_not_matter() -> None:
    design, y, _ = case("bsprob-bm93")
    a = active_factor_probabilities(design, y)
    b = active_factor_probabilities(design, -1e3 * y + 1e6)
    np.testing.assert_allclose(a.probability, b.probability, rtol=1e-8)
    blocked = make_design("b", design.factors, design.coded, block=np.arange(12) % 2 + 1, rng=1)
    c = active_factor_probabilities(blocked, y)
    d = active_factor_probabilities(blocked, y + 70.0 * blocked.block)
    np.testing.assert_allclose(c.probability, d.probability, rtol=1e-8)


def test_hostile_and_views() -> None:
    design, y, _ = case("bsprob-bm93")
    held = active_factor_probabilities(design, y, most_active=2)
    assert held.sets == 1 + 5 + 10 and max(map(len, held.models)) == 2
    assert "none" in str(held) and list(held.to_frame()["factor"]) == list("ABCDE") and "NaN" not in held.to_json()
    with pytest.raises(DataError, match="all results are equal"):
        active_factor_probabilities(design, np.full(12, 3.0))
    with pytest.raises(DesignError, match="most_active"):
        active_factor_probabilities(plackett_burman(23, rng=1), np.arange(24.0))
    for more in ({"prior": 1.0}, {"gamma": 0.0}, {"order": 1.5}):
        with pytest.raises(DataError, match=next(iter(more))):
            active_factor_probabilities(design, y, **more)  # type: ignore[arg-type]
    with pytest.raises(DesignError, match=r"doe\.fit"):
        active_factor_probabilities(full_factorial({"T": [1, 2, 3]}, rng=1), [1.0, 2.0, 3.0])
