"""What is stated of columns is checked by name, and types follow from it and from no patient."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.generators.protection.public import PublicColumn, public_columns, public_domain, public_problems

ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "arm"}
STATED = {"time": [0, 100], "arm": ["a", "b"], "age": [0, 110], "grade": [1, 2, 3]}


def cohort() -> hs.Cohort:
    n = 40
    frame = pd.DataFrame(
        {
            "time": np.arange(1, n + 1),
            "event": np.arange(n) % 2,
            "arm": ["a", "b"] * (n // 2),
            "age": 40 + np.arange(n) % 30,
            "grade": 1 + np.arange(n) % 3,
        }
    )
    return hs.Cohort(frame, subgroups=["grade"], **ROLES)


def problems(stated: dict) -> str:
    real = cohort()
    with pytest.raises(errors.GeneratorError) as caught:
        public_columns(stated, real.schema, real.rows.columns)
    return str(caught.value)


def test_columns_without_a_statement_are_all_named_at_once() -> None:
    told = problems({"time": [0, 100]})
    assert all(f"public: '{name}'" in told for name in ("arm", "age", "grade")) and "'event'" not in told


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"agee": [0, 1]}, "no such column"),
        ({"age": [110, 0]}, "rising edges"),
        ({"age": [5]}, "rising edges"),
        ({"arm": ["a", "a"]}, "different levels"),
        ({"arm": [["a"], "b"]}, "different levels"),
        ({"time": ["short", "long"]}, "asks for numbers"),
        ({"time": [0, 100, None]}, "never missing"),
        ({"time": [-5, 0]}, "ends at 0"),
        ({"event": [1, 2]}, "codes of an endpoint"),
    ],
)
def test_an_impossible_statement_is_told_with_its_column(changed: dict, part: str) -> None:
    assert part in problems({**STATED, **changed})


def test_the_form_is_checked_before_a_cohort_is_seen() -> None:
    assert public_problems(["age"])[0].where == "public"
    assert public_problems({"age": 110})[0].where == "public: 'age'"
    assert public_problems({"age": [0, 110]}) == []


def test_values_that_are_not_stated_are_clipped_or_count_nowhere() -> None:
    column = PublicColumn.of([0, 10], levels=False)
    assert isinstance(column, PublicColumn)
    assert column.numbers(pd.Series([-3, 5, 99])).tolist() == [0, 5, 10]
    levels = PublicColumn.of(["f", "m"], levels=True)
    assert isinstance(levels, PublicColumn)
    assert levels.codes(pd.Series(["m", "x", None])).tolist() == [1, -1, -1]


def test_types_follow_from_what_is_stated() -> None:
    real = cohort()
    public = public_columns({**STATED, "age": [0, 110, None]}, real.schema, real.rows.columns)
    domain = public_domain(public, real.schema, real.rows.columns, real.n)
    assert {name: one.dtype for name, one in domain.columns.items()} == {
        "time": "int64", "event": "int64", "arm": "object", "age": "float64", "grade": "int64",
    }  # fmt: skip
    assert (domain.columns["age"].low, domain.columns["age"].high) == (0, 110) and domain.columns["age"].may_miss
    assert PublicColumn.of([0.0, 50.0], levels=False).decimals == 1
