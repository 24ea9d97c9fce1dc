"""Rows are mended so that every rule holds, in an order in which no rule undoes another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.data.rules.grammar import parsed
from heorsynth.data.rules.mending import Mending
from tests.unit.data.rules.planted import PLANTED, planted


def mended(frame: pd.DataFrame, *texts: str, never: tuple[str, ...] = ()) -> pd.DataFrame:
    rules = [parsed(text, frame, 1) for text in texts]
    found = Mending.of(rules, Schema(endpoints={}), (), never).mended(frame)
    assert not any(rule.broken(found).any() for rule in rules)
    return found


def test_each_kind_of_rule_is_mended_by_hand() -> None:
    frame = pd.DataFrame({"a": [1.0, 5.0], "b": [4.0, 2.0], "g": ["x", "y"], "s": [9.0, 9.0]})
    assert mended(frame, "s = a + b")["s"].tolist() == [5.0, 7.0]
    assert mended(frame, "b = a")["b"].tolist() == [1.0, 5.0]
    assert mended(frame, "s in steps of 4")["s"].tolist() == [8.0, 8.0]
    assert mended(frame, "g is the band of a: 'x' below 9, else 'y'")["g"].tolist() == ["x", "x"]
    assert mended(frame, "g = 'x' implies s = 3")["s"].tolist() == [3.0, 9.0]
    assert mended(frame, "g = 'x' implies s = b")["s"].tolist() == [4.0, 9.0]
    assert mended(frame, "g = 'y' implies s is missing")["s"].isna().tolist() == [False, True]


def test_an_order_exchanges_values_before_it_moves_any() -> None:
    frame = pd.DataFrame({"a": [1.0, 9.0, 3.0], "b": [9.5, 5.0, 3.5]})
    assert sorted(mended(frame, "a <= b")["a"]) == [1.0, 3.0, 9.0]
    assert mended(frame.head(2).tail(1), "a <= b")["a"].tolist() == [5.0]


def test_a_column_that_never_changes_lets_the_other_change() -> None:
    frame = pd.DataFrame({"a": [1.0, 5.0], "b": [4.0, 2.0], "s": [9.0, 9.0]})
    found = mended(frame, "s = a + b", never=("s", "a"))
    assert found["b"].tolist() == [8.0, 4.0] and found["s"].tolist() == [9.0, 9.0]


def test_missing_values_pass_through_a_sum() -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": [4.0, 2.0], "s": [9.0, 9.0]})
    assert mended(frame, "s = a + b")["s"].isna().tolist() == [False, True]


def test_a_chain_of_rules_is_mended_from_its_start() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, 0.0], "c": [0.0, 0.0], "d": [7.0, 7.0]})
    assert mended(frame, "d = c", "c = b + 1", "b = 2 * a")["d"].tolist() == [3.0, 5.0]


@pytest.mark.parametrize("seed", range(5))
def test_rows_whose_columns_were_drawn_apart_keep_every_planted_rule_after_mending(seed: int) -> None:
    cohort = planted(300, seed)
    rng = np.random.default_rng(seed)
    apart = pd.DataFrame({name: rng.permutation(cohort.rows[name].to_numpy()) for name in cohort.rows.columns})
    rules = cohort.rules()
    ends = {"os": Endpoint("os", "futime", "death")}
    mending = Mending.of(rules, Schema(endpoints=ends, arm="arm"), {"futime", "death"}, {"arm"})
    assert set(rules.texts) == PLANTED
    assert len(rules.broken(apart)) >= 10
    assert rules.broken(mending.mended(apart)) == {}
    assert Mending.from_dict(mending.to_dict()) == mending


def test_no_type_of_a_column_changes() -> None:
    cohort = planted(200, 9)
    apart = cohort.frame.assign(ptime=cohort.frame["ptime"].to_numpy()[::-1])
    found = Mending.of(cohort.rules(), cohort.schema, {"futime"}, {"arm"}).mended(apart)
    assert (found.dtypes == cohort.frame.dtypes).all()


def test_a_row_that_no_mending_brings_in_line_is_replaced_by_one_of_its_arm() -> None:
    frame = pd.DataFrame({"a": [1.0, 4.0, 9.0], "b": [2.0, 5.0, 1.0], "c": [3.0, 6.0, 7.0], "arm": ["x", "y", "x"]})
    rules = [parsed(text, frame, 1) for text in ("a < b", "b < c")]
    circle = [*rules, parsed("a = c - 2", frame, 1)]
    found = Mending(tuple((rule, "a") for rule in circle), ("arm",)).mended(frame)
    assert found["b"].tolist() == [2.0, 5.0, 2.0] and found["arm"].tolist() == ["x", "y", "x"]
