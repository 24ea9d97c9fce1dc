"""Rules that are planted are found, and none is found where nothing ties the columns."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import heorsynth as hs
from heorsynth.core.errors import RoleError
from heorsynth.data.columns.rule_choice import RuleChoice
from heorsynth.data.columns.schema import Schema
from heorsynth.data.rules.discover import rules_of
from tests.unit.data.rules.planted import PLANTED, independent, planted

ENDS = {"os": ("time", "event")}


def cohort(frame: pd.DataFrame, **roles: object) -> hs.Cohort:
    return hs.Cohort(frame.assign(time=np.arange(len(frame)) % 90 + 1, event=np.arange(len(frame)) % 2),
                     endpoints=ENDS, **roles)  # fmt: skip


@pytest.mark.parametrize(("n", "seed"), [(150, 1), (300, 2), (2000, 3)])
def test_every_planted_rule_is_found_and_nothing_else(n: int, seed: int) -> None:
    assert set(planted(n, seed).rules().texts) == PLANTED


def test_no_patient_breaks_a_rule_that_is_found() -> None:
    held = planted(300, 4)
    assert held.rules().broken(held.frame) == {}


def test_none_is_found_in_two_hundred_cohorts_of_independent_columns() -> None:
    schema = Schema(endpoints={}, costs=("cost", "other"), utilities=("score",))
    found = [text for seed in range(200) for text in rules_of(independent(60 + seed, seed), schema).texts]
    assert len(found) <= 2, found


@settings(max_examples=25, deadline=None)
@given(
    st.integers(40, 200), st.integers(0, 10_000), st.sampled_from(["sum", "order", "copy", "band", "gives", "missing"])
)
def test_one_planted_rule_is_found_whatever_the_numbers(n: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"x": rng.integers(0, 1000, n), "y": rng.integers(0, 1000, n), "g": rng.permutation(np.resize(list("abc"), n))}
    )  # a rule is told by ten patients at least, so each level has thirteen or more
    assume(min((frame["x"] < 500).sum(), (frame["x"] >= 500).sum()) > 12)
    made = {
        "sum": (frame["x"] + 2 * frame["y"], "`z` = `x` + 2 * `y`"),
        "order": (np.where(rng.random(n) < 0.5, frame["x"], frame["x"] + rng.integers(0, 50, n)), "`x` <= `z`"),
        "copy": (frame["x"], "`z` = `x`"),
        "band": (np.where(frame["x"] < 500, "low", "high"), ""),
        "gives": (frame["g"].map({"a": "one", "b": "two", "c": "one"}), "`g` gives `z`"),
        "missing": (frame["y"].where(frame["g"] != "a").astype(float), "`g` = 'a' implies `z` is missing"),
    }[kind]
    texts = rules_of(frame.assign(z=made[0]), Schema(endpoints={})).texts
    if kind == "band":
        assert any(text.startswith("`z` is the band of `x`") for text in texts)
    elif kind == "missing":
        assert made[1] in texts or "`g` = 'b' implies `z` is known" in texts
    else:
        assert made[1] in texts


def test_an_order_that_the_margins_alone_imply_is_no_rule() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"low": rng.integers(1, 10, 200), "high": rng.integers(10, 20, 200)})
    assert rules_of(frame, Schema(endpoints={}, costs=("low", "high"))).texts == ()


def test_rules_that_follow_from_others_are_left_out() -> None:
    rng = np.random.default_rng(2)
    a = rng.integers(1, 300, 300)
    b, c = a + rng.integers(0, 100, 300), rng.integers(0, 9, 300)
    frame = pd.DataFrame({"a": a, "b": b, "c": b + rng.integers(0, 90, 300), "d": b, "e": a + c, "f": c})
    texts = rules_of(frame, Schema(endpoints={}, costs=tuple("abcdef"))).texts
    assert {"`d` = `b`", "`e` = `a` + `f`", "`a` <= `b`", "`b` <= `c`"} <= set(texts)
    assert not {"`a` <= `c`", "`a` <= `d`", "`a` <= `e`", "`f` <= `e`"} & set(texts)


def test_no_rule_rests_on_fewer_patients_than_asked_for() -> None:
    held = planted(300, 1)
    assert min(rule.support for rule in held.rules(min_patients=40)) >= 40
    assert "`surgery` = 'no' implies `surgery_date` is missing" not in held.rules(min_patients=250).texts


def test_a_level_of_few_patients_is_in_no_pair_of_code_and_label() -> None:
    rng = np.random.default_rng(3)
    code = rng.choice(["a", "b", "c"], 200)
    code[:4] = "canary"
    frame = pd.DataFrame({"code": code, "label": [f"L{one}" for one in code]})
    (rule,) = rules_of(frame, Schema(endpoints={}))
    assert "canary" not in str(rule) and dict(rule.pairs) == {"a": "La", "b": "Lb", "c": "Lc"}  # type: ignore[attr-defined]


def test_a_cut_is_a_round_number_and_no_patients_value() -> None:
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.uniform(10, 19.37, 60), rng.uniform(21.91, 40, 60)])
    frame = pd.DataFrame({"x": x, "g": np.where(x < 20, "low", "high")})
    assert rules_of(frame, Schema(endpoints={})).texts == ("`g` is the band of `x`: 'low' below 20, else 'high'",)


def test_a_sum_that_was_rounded_is_found_with_its_rounding() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.gamma(2, 100, 200).round(2), rng.gamma(2, 100, 200).round(2)
    frame = pd.DataFrame({"a": a, "b": b, "total": (a + b).round(1)})
    assert rules_of(frame, Schema(endpoints={})).texts == ("`total` = `a` + `b`, within 0.05",)


def test_columns_of_a_visit_are_missing_together() -> None:
    held = planted(300, 5)
    assert "`sbp`, `dbp` are missing together" in held.rules().texts


def test_what_the_roles_state_is_not_listed() -> None:
    rng = np.random.default_rng(6)
    drug, stay, age = rng.integers(1, 900, 200), rng.integers(1, 900, 200), rng.integers(20, 90, 200)
    stay[:90] = 0
    frame = pd.DataFrame({"drug": drug, "stay": stay, "cost": drug + stay, "age": age})
    bands = {"age_group": ("age", (40, 60), ("<40", "40-59", "60+"))}
    held = cohort(frame, costs=["cost"], totals={"cost": ["drug", "stay"]}, bands=bands, subgroups=["age_group"])
    assert held.rules().texts == ()


def test_rules_are_struck_and_added() -> None:
    rng = np.random.default_rng(7)
    x = rng.integers(1, 300, 200)
    frame = pd.DataFrame({"x": x, "y": x + rng.integers(1, 300, 200), "z": x})
    assert "`z` = `x`" in cohort(frame).rules().texts
    held = cohort(frame, rules={"add": ["x < y"], "strike": ["z = x"]})
    assert held.rules().texts[0] == "`x` < `y`" and "`z` = `x`" not in held.rules().texts
    assert cohort(frame, rules={"strike": "all", "add": ["z = x"]}).rules().texts == ("`z` = `x`",)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"add": ["x <= yy"]}, "did you mean 'y'"),
        ({"add": ["x is above y"]}, "is not a rule"),
        ({"add": ["y <= x"]}, "patients break the rule"),
        ({"strike": ["x = y"]}, "is not a rule of these rows"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_what_to_do(rules: dict[str, list[str]], told: str) -> None:
    x = np.arange(60)
    with pytest.raises(RoleError, match=told):
        cohort(pd.DataFrame({"x": x * 37 % 61, "y": x * 37 % 61 + x % 3}), rules=rules).rules()


@pytest.mark.parametrize("rules", [{"ad": []}, {"add": 3}, ["x"], {"strike": [1]}])
def test_a_malformed_declaration_is_refused(rules: object) -> None:
    with pytest.raises(RoleError):
        cohort(pd.DataFrame({"x": range(20)}), rules=rules)


def test_nothing_is_discovered_where_only_added_rules_count() -> None:
    frame = pd.DataFrame({"x": np.arange(50) * 7 % 51, "y": np.arange(50) * 7 % 51})
    schema = Schema(endpoints={}, rules=RuleChoice(add=("y = x",)))
    assert rules_of(frame, schema, look=False).texts == ("`y` = `x`",)
    assert rules_of(frame, Schema(endpoints={}), look=False).texts == ()


def test_many_columns_take_seconds() -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(300, 500)), columns=[f"x{i}" for i in range(500)])
    frame["total"] = frame["x1"] + frame["x2"]
    start = time.process_time()
    assert "`total` = `x1` + `x2`" in rules_of(frame, Schema(endpoints={}, costs=("x1", "x2", "total"))).texts
    assert time.process_time() - start < 20  # about 2 s; wide, as machines differ


def test_columns_beyond_the_limit_are_counted() -> None:
    frame = pd.DataFrame(np.random.default_rng(9).normal(size=(40, 605)), columns=[f"x{i}" for i in range(605)])
    found = rules_of(frame, Schema(endpoints={}))
    assert found.skipped == 5 and "5 columns" in repr(found)
