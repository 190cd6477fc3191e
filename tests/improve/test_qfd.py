"""House of quality: sums by hand, rank sets against Tukey's range and by simulation, single cells by a plain loop."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import DataError
from qstats.errors import TooFewData
from qstats.improve.needs.qfd import qfd
from qstats.improve.needs.qfd_kernels import draws_of_respondents, draws_of_weights, open_ranks, ranks

WEIGHTS = {"快": 5, "完好": 4, "便宜": 2}
MATRIX = {
    "快": {"分拣时间": 9, "车辆数": 3, "包装强度": 0},
    "完好": {"分拣时间": 0, "车辆数": 1, "包装强度": 9},
    "便宜": {"分拣时间": 1, "车辆数": 9, "包装强度": 3},
}


def _survey(n: int, seed: int, high: tuple[float, ...] = (0.7, 0.6, 0.5)) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({need: 1.0 + rng.binomial(4, p, n) for need, p in zip(WEIGHTS, high, strict=True)})


def test_importance_by_hand() -> None:
    # 5*9 + 4*0 + 2*1 = 47; 5*3 + 4*1 + 2*9 = 37; 5*0 + 4*9 + 2*3 = 42
    house = qfd(WEIGHTS, MATRIX)
    assert house.characteristics == ("分拣时间", "车辆数", "包装强度")
    assert house.importance.tolist() == [47, 37, 42]
    assert house.share.tolist() == pytest.approx([47 / 126, 37 / 126, 42 / 126])
    assert house.rank.tolist() == [1, 3, 2]
    # on 0/1/2/3: 5*3 + 2*1 = 17; 5*2 + 4*1 + 2*3 = 20; 4*3 + 2*2 = 16
    assert house.rank_other_scale.tolist() == [2, 1, 3]
    assert (house.rank_low, house.share_interval, house.resamples, house.uncertainty) == (None, None, 0, "none")
    assert {n.code for n in house.notes} == {"weights-taken-as-exact", "scale-decides"}


def test_matrix_as_table_and_sparse_dict_agree(in_polars: Callable[[Any], list[Any]]) -> None:
    house = qfd(WEIGHTS, MATRIX)
    sparse = {n: {c: v for c, v in row.items() if v} for n, row in MATRIX.items()}
    frame = pd.DataFrame([{"需求": n, **row} for n, row in MATRIX.items()])
    for matrix, options in (
        (sparse, {}),
        (frame, {"need": "需求"}),
        *((f, {"need": "需求"}) for f in in_polars(frame)),
    ):
        made = qfd(WEIGHTS, matrix, **options)
        assert dict(zip(made.characteristics, made.importance, strict=True)) == dict(
            zip(house.characteristics, house.importance, strict=True)
        )


def test_ratings_are_averaged_over_respondents(in_polars: Callable[[Any], list[Any]]) -> None:
    survey = _survey(80, 3)
    house = qfd(survey, MATRIX, resamples=999, rng=1)
    r = np.array([list(row.values()) for row in MATRIX.values()])
    np.testing.assert_allclose(house.importance, survey.to_numpy().mean(axis=0) @ r)
    assert (house.n, house.resamples, house.uncertainty) == (80, 999, "respondents")
    for frame in (survey.copy(), *in_polars(survey)):
        again = qfd(frame, MATRIX, resamples=999, rng=np.random.default_rng(1))
        assert again.to_dict() == house.to_dict()


@pytest.mark.parametrize(("k", "seed"), [(2, 0), (3, 1), (6, 2)])
def test_critical_value_is_tukeys_range(k: int, seed: int) -> None:
    # Equal and independent errors, one characteristic a need: the largest |t| of all pairs is the studentised range
    # over the square root of 2 (Tukey). 40 000 draws: standard error of the quantile about 0.01.
    drawn = draws_of_weights(np.ones(k), np.full(k, 0.3), np.eye(k), 40_000, 0.95, np.random.default_rng(seed))
    want = stats.norm.ppf(0.975) if k == 2 else stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2.0)
    assert drawn.critical == pytest.approx(want, abs=0.04)


def test_bootstrap_t_of_two_is_students() -> None:
    # Normal data, one pair: the studentised bootstrap estimates Student's t with n - 1 degrees of freedom.
    found = []
    for seed in range(20):
        x = np.random.default_rng(seed).normal(10.0, 2.0, (25, 2))
        found.append(draws_of_respondents(x, np.eye(2), 1999, 0.95, np.random.default_rng(seed)).critical)
    assert np.mean(found) == pytest.approx(stats.t.ppf(0.975, 24), abs=0.1)


def test_error_of_a_difference_is_the_paired_one() -> None:
    x = _survey(60, 5).to_numpy()
    r = np.array([list(row.values()) for row in MATRIX.values()], dtype=float)
    drawn = draws_of_respondents(x, r, 99, 0.9, np.random.default_rng(1))
    y = x @ r
    for at, (j, k) in enumerate([(0, 1), (0, 2), (1, 2)]):
        t = stats.ttest_rel(y[:, j], y[:, k])
        assert drawn.gap[at] / drawn.error[at] == pytest.approx(t.statistic)


@pytest.mark.parametrize(
    ("p", "low", "high"),
    [
        # all equal: any pair told apart is an error, so the sets hold in just 95 % of surveys
        ((0.6, 0.6, 0.6, 0.6), (1, 1, 1, 1), (4, 4, 4, 4)),
        # one tie among different ones: fewer ways to be wrong
        ((0.70, 0.62, 0.62, 0.40), (1, 2, 2, 4), (1, 3, 3, 4)),
    ],
)
def test_rank_sets_cover_all_true_ranks_together(
    p: tuple[float, ...], low: tuple[int, ...], high: tuple[int, ...]
) -> None:
    # Ratings with known means. 400 surveys: standard error 1.1 points.
    rng, held = np.random.default_rng(17), 0
    for _ in range(400):
        x = 1.0 + rng.binomial(4, p, (40, 4))
        found = open_ranks(draws_of_respondents(x, np.eye(4), 399, 0.95, rng), np.zeros((4, 4), dtype=bool))
        held += bool((found[0] <= low).all() and (found[1] >= high).all())
    assert held / 400 >= 0.92
    if len(set(p)) == 1:
        assert held / 400 <= 0.98


def test_more_respondents_settle_the_order() -> None:
    few, many = (qfd(_survey(n, 8), MATRIX, resamples=999, rng=2) for n in (12, 4000))
    assert few.rank_low is not None and few.rank_high is not None
    assert many.rank_low is not None and many.rank_high is not None
    assert (few.rank_high - few.rank_low).sum() > (many.rank_high - many.rank_low).sum()
    np.testing.assert_array_equal(many.rank_low, many.rank)
    assert {"few-respondents", "top-not-established"} <= {n.code for n in few.notes}
    assert "top-not-established" not in {n.code for n in many.notes}


def test_share_interval_is_the_delta_methods_for_many() -> None:
    # share_j = h_j / sum h: gradient (r_j - share_j * sum_k r_k) / sum h, covariance of the means from the sample
    x = _survey(2000, 9)
    house = qfd(x, MATRIX, resamples=3999, rng=3)
    r = np.array([list(row.values()) for row in MATRIX.values()], dtype=float)
    total = house.importance.sum()
    gradient = (r - np.outer(r.sum(axis=1), house.share)) / total
    error = np.sqrt(np.einsum("ij,ik,kj->j", gradient, np.cov(x.to_numpy().T) / 2000, gradient))
    assert house.share_interval is not None
    np.testing.assert_allclose(house.share_interval.low, house.share - 1.96 * error, atol=0.08 * error.max())
    np.testing.assert_allclose(house.share_interval.high, house.share + 1.96 * error, atol=0.08 * error.max())


def test_dominated_characteristics_need_no_statistics() -> None:
    # b is weaker than a for every need: a is above b with any weights, even of two respondents who agree.
    matrix = {"快": {"a": 9, "b": 3}, "好": {"a": 3, "b": 3}}
    house = qfd(pd.DataFrame({"快": [5.0, 5.0], "好": [4.0, 4.0]}), matrix, resamples=199, rng=1)
    assert (house.rank_low.tolist(), house.rank_high.tolist()) == ([1, 2], [1, 2])  # type: ignore[union-attr]
    crossed = {"快": {"a": 9, "b": 0}, "好": {"a": 0, "b": 9}}
    house = qfd(pd.DataFrame({"快": [5.0, 5.0], "好": [4.0, 4.0]}), crossed, resamples=199, rng=1)
    assert (house.rank_low.tolist(), house.rank_high.tolist()) == ([1, 1], [2, 2])  # type: ignore[union-attr]


def test_standard_errors_of_zero_are_certainty_and_large_ones_are_clipped() -> None:
    sure = qfd(WEIGHTS, MATRIX, standard_errors=dict.fromkeys(WEIGHTS, 0.0), resamples=199, rng=1)
    assert sure.rank_low.tolist() == sure.rank_high.tolist() == sure.rank.tolist()  # type: ignore[union-attr]
    vague = qfd(WEIGHTS, MATRIX, standard_errors=dict.fromkeys(WEIGHTS, 4.0), resamples=199, rng=1)
    assert "weights-clipped" in {n.code for n in vague.notes}
    assert vague.rank_high.tolist() == [3, 3, 3]  # type: ignore[union-attr]
    assert "independent normal" in vague.method


def _loop_one_cell(weights: list[float], r: list[list[float]], scale: list[float]) -> tuple[list[int], list[int]]:
    def rank(m: list[list[float]]) -> list[int]:
        h = [sum(w * row[j] for w, row in zip(weights, m, strict=True)) for j in range(len(m[0]))]
        return [1 + sum(other > mine + 1e-7 for other in h) for mine in h]

    seen = [rank(r)]
    for i, row in enumerate(r):
        for j, cell in enumerate(row):
            for step in (-1, 1):
                at = scale.index(cell) + step
                if 0 <= at < len(scale):
                    changed = [list(x) for x in r]
                    changed[i][j] = scale[at]
                    seen.append(rank(changed))
    return [min(c) for c in zip(*seen, strict=True)], [max(c) for c in zip(*seen, strict=True)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_cell_off_equals_a_plain_loop(data: st.DataObject) -> None:
    needs, m = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    scale = [0.0, 1.0, 3.0, 9.0]
    cells = [[data.draw(st.sampled_from(scale)) for _ in range(m)] for _ in range(needs)]
    weights = [float(data.draw(st.integers(1, 9))) for _ in range(needs)]
    if not any(any(row) for row in cells):
        return
    matrix = {f"需求{i}": {f"特性{j}": v for j, v in enumerate(row)} for i, row in enumerate(cells)}
    house = qfd({f"需求{i}": w for i, w in enumerate(weights)}, matrix)
    low, high = _loop_one_cell(weights, cells, scale)
    assert (house.rank_low_cell.tolist(), house.rank_high_cell.tolist()) == (low, high)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=7))
def test_ranks_share_the_best_place(values: list[int]) -> None:
    assert ranks(np.array(values, dtype=float)).tolist() == stats.rankdata([-v for v in values], method="min").tolist()


def test_scaling_and_swapping_change_nothing() -> None:
    errors = {"快": 0.5, "完好": 0.4, "便宜": 0.3}
    house = qfd(WEIGHTS, MATRIX, standard_errors=errors, resamples=999, rng=4)
    larger = qfd(
        {k: 1000 * v for k, v in WEIGHTS.items()}, MATRIX,
        standard_errors={k: 1000 * v for k, v in errors.items()}, resamples=999, rng=4,
    )  # fmt: skip
    np.testing.assert_allclose(larger.share, house.share)
    np.testing.assert_array_equal(larger.rank_low, house.rank_low)
    turned = {n: dict(reversed(row.items())) for n, row in MATRIX.items()}
    swapped = qfd(WEIGHTS, turned, standard_errors=errors, resamples=999, rng=4)
    np.testing.assert_array_equal(swapped.rank_high[::-1], house.rank_high)  # type: ignore[index]


def test_sets_nest_in_confidence() -> None:
    survey = _survey(60, 21)
    last = None
    for confidence in (0.5, 0.8, 0.95, 0.99):
        house = qfd(survey, MATRIX, confidence=confidence, resamples=999, rng=6)
        assert house.rank_low is not None and house.rank_high is not None
        if last is not None:
            assert (house.rank_low <= last[0]).all() and (house.rank_high >= last[1]).all()
        last = house.rank_low, house.rank_high


def test_missing_answers_are_named_or_noted() -> None:
    survey = _survey(50, 2)
    survey.loc[[3, 9], "快"] = np.nan
    with pytest.raises(DataError, match="2 respondents left a need unrated"):
        qfd(survey, MATRIX)
    house = qfd(survey, MATRIX, missing="drop", resamples=199, rng=1)
    assert house.n == 48
    assert house.notes[0].code == "missing-dropped"


def test_roof_passes_through() -> None:
    house = qfd(WEIGHTS, MATRIX, roof={("分拣时间", "车辆数"): "++"})
    assert house.roof == (("分拣时间", "车辆数", "++"),)
    assert house.to_dict()["roof"] == [["分拣时间", "车辆数", "++"]]
    frame = qfd(_survey(50, 2), MATRIX, resamples=199, rng=1).to_frame()
    assert list(frame.columns) == [
        "characteristic", "importance", "share", "rank", "share_low", "share_high", "rank_low", "rank_high",
        "rank_other_scale", "rank_low_cell", "rank_high_cell",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "matrix", "options", "error", "says"),
    [
        (WEIGHTS, {"快": {"a": 5}}, {}, DataError, "'快', 'a' is 5"),
        (WEIGHTS, {"快": {"a": 9}}, {}, DataError, "'完好' is no need"),
        ({"快": 1}, MATRIX, {}, DataError, "need '完好' of the matrix"),
        ({**WEIGHTS, "快": -1}, MATRIX, {}, DataError, "zero or more"),
        ({**WEIGHTS, "快": "高"}, MATRIX, {}, DataError, "text"),
        ({**WEIGHTS, "快": float("nan")}, MATRIX, {}, DataError, "missing"),
        (dict.fromkeys(WEIGHTS, 0), MATRIX, {}, DataError, "all weights are zero"),
        ([5, 4, 2], MATRIX, {}, DataError, "dict of weights"),
        (WEIGHTS, [[9]], {}, DataError, "matrix: got a list"),
        (WEIGHTS, {}, {}, TooFewData, "0 needs"),
        ({"快": 1}, {"快": {"a": 0}}, {}, DataError, "nothing can be ranked"),
        (WEIGHTS, MATRIX, {"scale": (0, 3, 1, 9)}, DataError, "scale"),
        (WEIGHTS, MATRIX, {"other_scale": (0, 1, 2)}, DataError, "other_scale"),
        (WEIGHTS, MATRIX, {"standard_errors": {"快": 1}}, DataError, "standard_errors: need"),
        (WEIGHTS, MATRIX, {"standard_errors": 0.5}, DataError, "a dict by need"),
        (WEIGHTS, MATRIX, {"roof": {("a", "b"): "+"}}, DataError, "roof"),
        (WEIGHTS, MATRIX, {"roof": {("分拣时间", "分拣时间"): "+"}}, DataError, "roof"),
        (WEIGHTS, MATRIX, {"confidence": 95}, DataError, "0.95"),
        (WEIGHTS, MATRIX, {"resamples": 10}, DataError, "resamples"),
        (WEIGHTS, MATRIX, {"rng": "x", "standard_errors": WEIGHTS}, DataError, "rng"),
        (_survey(30, 1), MATRIX, {"standard_errors": WEIGHTS}, DataError, "standard_errors"),
        (_survey(30, 1).drop(columns="快"), MATRIX, {}, DataError, "'快' is not in the data"),
        (_survey(1, 1), MATRIX, {}, TooFewData, "1 respondents"),
        (-_survey(30, 1), MATRIX, {}, DataError, "zero or more"),
        (_survey(30, 1), MATRIX, {"missing": "keep"}, DataError, "missing"),
        (WEIGHTS, pd.DataFrame({"need": ["快", "快"], "a": [9, 9]}), {}, DataError, "2 times"),
        (WEIGHTS, pd.DataFrame({"need": ["快"], "a": [None]}), {}, DataError, "missing"),
        (WEIGHTS, pd.DataFrame({"x": ["快"], "a": [9]}), {}, DataError, "need"),
    ],
)
def test_bad_input_is_named(data: Any, matrix: Any, options: dict[str, Any], error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        qfd(data, matrix, **options)
