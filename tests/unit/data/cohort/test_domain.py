"""Post-conditions: what breaks them is counted and not repaired; allocation and raking give exact shares."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.data.cohort.domain import Domain
from heorsynth.generators.sampling.target_shares import allocate, cells_for_targets


def source() -> "hs.Cohort":
    frame = pd.DataFrame({
        "time": [1.0, 2.0, 3.0, 4.0], "event": [1, 0, 1, 0], "sex": list("ffmm"), "age": [41, 52, 63, 74],
        "drug": [1.0, 2.0, 0.0, 0.0], "stay": [5.5, 0.0, 1.0, 2.0], "cost": [6.5, 2.0, 1.0, 2.0],
        "group": ["young", "young", "old", "old"], "early": [0.5, 2.0, 2.5, 4.0], "seen": [1, 0, 1, 0],
        "marker": [0.1, np.nan, 0.3, 0.5],
    })  # fmt: skip
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event"), "pfs": ("early", "seen")}, order=[("pfs", "os")], subgroups=["sex"],
        costs=["cost"], totals={"cost": ["drug", "stay"]}, bands={"group": ("age", (60,), ("young", "old"))},
    )  # fmt: skip


@pytest.mark.parametrize(("column", "values", "broken"), [
    ("time", [0.0, 2.0, 3.0, 4.0],
     {"time: not positive": 1, "pfs after os": 1}),
    ("event", [1, 0, 7, 0], {"event: level unknown to the source": 1}),
    ("sex", ["f", "f", "x", None],
     {"sex: level unknown to the source": 1, "sex: missing where the source never is": 1}),
    ("marker", [0.1, np.nan, np.nan, 9.0], {"marker: outside the source's range": 1}),
    ("cost", [6.5, 2.0, 1.0, -0.1],
     {"cost: negative cost": 1, "cost: not the sum of its parts": 1}),
    ("group", ["young", "old", "old", "old"], {"group: not the band of age": 1}),
    ("early", [0.5, 2.5, 2.5, 4.0], {"pfs after os": 1}),
    ("age", [41.5, 52, 63, 74], {"age: another type than the source": 4, "age: not a whole number": 1}),
])  # fmt: skip
def test_each_kind_of_break_is_counted_and_the_rows_stay(column: str, values: list, broken: dict[str, int]) -> None:
    cohort = source()
    spoilt = cohort.frame.assign(**{column: values})
    if column == "event":
        spoilt["event"] = spoilt["event"].astype("int8")
    before = spoilt.copy()
    assert Domain.of(cohort).breaks(spoilt) == broken
    pd.testing.assert_frame_equal(spoilt, before)


def test_the_source_itself_breaks_nothing_and_a_lost_column_is_told() -> None:
    assert Domain.of(source()).breaks(source().frame) == {}
    assert Domain.of(source()).breaks(source().frame.drop(columns="marker")) == {"marker: column is absent": 4}


def test_allocation_sums_and_is_within_one_of_the_share() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        shares = rng.random(rng.integers(1, 12))
        n = int(rng.integers(0, 500))
        counts = allocate(shares, n)
        assert counts.sum() == n
        assert np.abs(counts - n * shares / shares.sum()).max() < 1


def test_raking_meets_both_margins_by_hand() -> None:
    cohort = hs.datasets.load("pbc")
    cohort = hs.Cohort.derive(cohort.schema.with_roles(subgroups=("sex", "trt")), cohort.frame, label=None)
    shares = {("f", "a"): 0.4, ("f", "b"): 0.4, ("m", "a"): 0.1, ("m", "b"): 0.1}
    cells = cells_for_targets(100, shares, {"sex": {"f": 0.5, "m": 0.5}}, Domain.of(cohort), {})
    assert [count for _, count in cells] == [25, 25, 25, 25]
