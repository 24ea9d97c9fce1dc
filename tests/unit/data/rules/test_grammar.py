"""The text of a rule is read back as the same rule."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from heorsynth.core.errors import RoleError
from heorsynth.data.rules.grammar import parsed, rule_from_dict
from heorsynth.data.rules.level_rules import Bands, Implies, Statement, Together
from heorsynth.data.rules.numeric_rules import Equal, Order, Steps, Sum
from heorsynth.data.rules.rule import Rule
from tests.unit.data.rules.planted import planted

ODD = pd.DataFrame({"a b": [1, 2], "it`s": [1, 2], "time": [3, 4], "x": ["p", "q"]})

RULES: list[Rule] = [
    Equal("a b", "it`s"),
    Order("a b", "time"),
    Order("a b", "time", strict=True),
    Sum("time", ((-1.0, "a b"), (0.25, "it`s")), -3.5, 0.005),
    Steps("time", 0.25),
    Bands("x", "time", (2.5, 1e6), ("it's", 'say "x"', "rest")),
    Implies(Statement("x", value="it's"), Statement("time", other="a b")),
    Implies(Statement("a b", state="missing"), Statement("time", value=-4)),
    Implies(Statement("x", value=True), Statement("time", state="known")),
    Together(("a b", "time", "x")),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_a_rule_is_read_from_its_own_text(rule: Rule) -> None:
    assert parsed(rule.text, ODD, 1) == rule


def test_all_discovered_rules_are_read_from_their_texts_and_from_json() -> None:
    cohort = planted(300, 1)
    for rule in cohort.rules():
        assert parsed(rule.text, cohort.rows, 10) == rule
        assert rule_from_dict(json.loads(json.dumps(rule.to_dict()))) == rule


def test_names_of_one_word_need_no_quotes() -> None:
    assert parsed("time = 2*x - 1", ODD, 1) == Sum("time", ((2.0, "x"),), -1.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "time",
        "time <=",
        "time <= x x",
        "time = ",
        "time = x + x",
        "x in steps of y",
        "x is",
        "time = 3 %",
        "time is the band of x: 1 below 3, 2 below 2, else 4",
    ],
)
def test_what_is_no_rule_is_refused_and_the_place_is_named(text: str) -> None:
    with pytest.raises(RoleError, match="is not a rule: not understood at"):
        parsed(text, ODD, 1)


def test_an_unknown_column_is_named_with_the_nearest() -> None:
    with pytest.raises(RoleError, match="did you mean 'time'"):
        parsed("tme <= x", ODD, 1)
