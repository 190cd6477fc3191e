"""The result mixin: JSON without NaN tokens, no rounding, escaped HTML."""

import copy
import json
import math
import pickle

import numpy as np
import pytest

from qstats import Interval, Note, compare_rates
from qstats._core.result import FrozenMapping, frozen_array, json_safe


def test_json_has_no_nan_tokens_and_full_digits() -> None:
    r = compare_rates(0, 10, 0, 20)  # no information: estimate NaN, interval up to infinity
    text = r.to_json()
    back = json.loads(text, parse_constant=lambda token: pytest.fail(f"not JSON: {token}"))
    assert back["schema"] == "qstats.comparison/2"
    assert back["estimate"] is None
    assert back["interval"]["high"] == "Infinity"
    r = compare_rates(3, 10, 7, 20)
    assert json.loads(r.to_json())["pvalue"] == r.pvalue


def test_frame_and_text_say_the_same_number() -> None:
    r = compare_rates(3, 10, 7, 20)
    assert r.to_frame()["pvalue"][0] == r.pvalue
    assert f"{r.pvalue:.4g}" in str(r)
    assert f"{r.pvalue:.4g}" in r._repr_html_()


def test_json_safe_kinds() -> None:
    got = json_safe(
        {
            "a": np.array([1.0, np.nan, np.inf]),
            "d": np.array(["2020-01-02", "NaT"], dtype="datetime64[D]"),
            "n": np.int64(3),
            "i": Interval(0.0, math.inf, 0.9),
            "t": (Note("c", "info", "m"),),
        }
    )
    assert got["a"] == [1.0, None, "Infinity"]
    assert got["d"] == ["2020-01-02", None]
    assert got["n"] == 3
    assert got["i"] == {"low": 0.0, "high": "Infinity", "confidence": 0.9}
    assert got["t"][0]["code"] == "c"


def test_html_is_escaped() -> None:
    from dataclasses import replace

    r = replace(compare_rates(3, 10, 7, 20), method="<script>alert(1)</script>")
    assert "<script>" not in r._repr_html_()


def test_arrays_are_read_only() -> None:
    a = frozen_array([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        a[0] = 5.0


def test_frozen_mapping_is_a_mapping_that_cannot_be_changed() -> None:
    held = {"a": 1.5, "b": math.nan}
    m = FrozenMapping(held)
    held["a"] = 2.0
    assert (m["a"], len(m), list(m), repr(m)) == (1.5, 2, ["a", "b"], "{'a': 1.5, 'b': nan}")
    assert FrozenMapping({"a": 1}) == {"a": 1} == FrozenMapping({"a": 1})
    assert json_safe(m) == {"a": 1.5, "b": None}
    with pytest.raises(TypeError):
        m["a"] = 3.0  # type: ignore[index]
    with pytest.raises(AttributeError, match="cannot be changed"):
        m._held = {}
    with pytest.raises(AttributeError, match="cannot be changed"):
        del m._held
    for again in (pickle.loads(pickle.dumps(m)), copy.deepcopy(m), copy.copy(m)):
        assert isinstance(again, FrozenMapping)
        assert again["a"] == 1.5
        assert list(again) == ["a", "b"]
