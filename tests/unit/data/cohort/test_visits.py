"""Visits of a cohort: read, checked, derived and given back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import HeorsynthError, RoleError

VISITS = {"eq5d": {0: "e0", 6: "e6", 12: "e12"}, "cost": {6: "c6", 12: "c12"}}
DERIVED = {"qaly": hs.area("eq5d"), "total": hs.total("cost")}


def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "time": [20.0, 9.0, 20.0, 4.0],
            "event": [0, 1, 0, 0],
            "e0": [0.4, 0.4, 0.5, 0.7],
            "e6": [0.6, 0.5, np.nan, np.nan],
            "e12": [1.0, np.nan, 0.9, np.nan],
            "c6": [10.0, 20.0, 30.0, np.nan],
            "c12": [1.0, 2.0, 3.0, np.nan],
        }
    )


def made(frame: pd.DataFrame | None = None, **changes: object) -> hs.Cohort:
    settings = {"endpoints": {"os": ("time", "event")}, "unit": "month", "visits": VISITS, "derived": DERIVED}
    return hs.Cohort(rows() if frame is None else frame, **(settings | changes))


def test_derived_columns_are_added_and_follow_from_the_visits():
    cohort = made()
    assert np.allclose(cohort.numbers("qaly"), [0.65, 0.225 + 0.25 * 0.5, np.nan, np.nan], equal_nan=True)
    assert np.allclose(cohort.numbers("total"), [11.0, 22.0, 33.0, np.nan], equal_nan=True)


def test_visits_come_as_times_and_values():
    times, values = made().visit_values("eq5d")
    assert times.tolist() == [0, 6, 12]
    assert np.isnan(values).sum() == 4
    with pytest.raises(HeorsynthError, match="did you mean 'eq5d'"):
        made().visit_values("eq5")


def test_the_long_table_reads_again_to_the_same_visits():
    frame = pd.concat([rows()] * 3, ignore_index=True).assign(id=[f"P{k}" for k in range(12)])
    cohort = made(frame, id="id")
    long = cohort.visit_table()
    assert len(long) == int(cohort.rows[["e0", "e6", "e12", "c6", "c12"]].notna().sum().sum())
    again = hs.Cohort(
        frame[["id", "time", "event"]],
        endpoints={"os": ("time", "event")},
        id="id",
        unit="month",
        visits={"eq5d": ("patient", "planned", "value")},
        visit_table=long[long["measure"] == "eq5d"],
        derived={"qaly": hs.area("eq5d")},
    )
    assert np.allclose(again.visit_values("eq5d")[1], cohort.visit_values("eq5d")[1], equal_nan=True)
    assert np.allclose(again.numbers("qaly"), cohort.numbers("qaly"), equal_nan=True)


def test_visits_after_the_start_are_no_covariates():
    assert made().covariates == ("e0",)


def test_a_value_after_death_is_refused():
    frame = rows()
    frame.loc[1, "e12"] = 0.123
    with pytest.raises(RoleError) as error:
        made(frame)
    assert [problem.found for problem in error.value.problems] == ["a visit after death (1 patient)"]
    assert "0.123" not in str(error.value)
    assert made(frame, death=None, endpoints={"pfs": ("time", "event")}).n == 4


def test_the_endpoint_that_is_death_may_be_named_and_so_may_its_cause():
    frame = rows()
    frame.loc[1, "e12"] = 0.1
    named = {"pfs": ("time", "event", {1: "progression"})}
    with pytest.raises(RoleError, match="a visit after death"):
        made(frame, endpoints=named, death="pfs")
    frame["event"] = [0, 1, 2, 0]
    causes = {"os": ("time", "event", {1: "transplant", 2: "death"})}
    assert made(frame, endpoints=causes).n == 4


def test_the_amount_of_the_period_of_death_is_allowed_and_later_ones_are_not():
    frame = rows()
    frame.loc[1, "time"] = 5.0
    frame.loc[1, ["e6", "e12"]] = np.nan
    frame.loc[2, "e6"] = 0.3
    with pytest.raises(RoleError, match="cost: a visit after death"):
        made(frame)
    frame.loc[1, "c12"] = np.nan
    assert made(frame).numbers("total")[1] == 20.0


def test_times_that_do_not_increase_are_refused():
    frame = rows().assign(t6=[6.1, 6.0, np.nan, np.nan], t12=[6.0, np.nan, 12.0, np.nan])
    visits = {"eq5d": {0: "e0", 6: ("e6", "t6"), 12: ("e12", "t12")}}
    with pytest.raises(RoleError, match="times do not increase"):
        made(frame, visits=visits, derived=None)


def test_a_derived_column_that_differs_from_its_parts_is_refused_and_rounding_is_not():
    exact = made().numbers("qaly")
    with pytest.raises(RoleError, match="qaly: not the area under eq5d"):
        made(rows().assign(qaly=exact + 0.1))
    assert np.allclose(made(rows().assign(qaly=exact.round(1))).numbers("qaly"), exact, equal_nan=True)


def test_an_absent_column_and_a_text_column_are_refused():
    with pytest.raises(HeorsynthError, match="did you mean 'e12'"):
        made(visits={"eq5d": {0: "e0", 6: "e6", 12: "e112"}}, derived=None)
    with pytest.raises(HeorsynthError, match="e6"):
        made(rows().assign(e6=["good", "bad", "good", "bad"]))


def test_a_column_has_one_role_and_one_visit():
    with pytest.raises(RoleError, match="is named twice"):
        made(visits={"eq5d": {0: "e0", 6: "e0"}}, derived=None)
    with pytest.raises(RoleError, match="declared arm or subgroup and visit"):
        made(subgroups=["e0"])


def test_the_unit_of_visits_may_differ_from_that_of_follow_up():
    years = {"eq5d": {0: "e0", 0.5: "e6", 1: "e12"}}
    cohort = made(visits=years, derived={"qaly": hs.area("eq5d")}, visit_unit="year")
    assert np.allclose(cohort.numbers("qaly")[0], 0.65)
    assert "0 to 1 years" in repr(cohort)


def test_roles_of_visits_survive_their_file():
    schema = made().schema
    assert type(schema).from_dict(schema.to_dict()) == schema
    assert "schedule" not in made(visits=None, derived=None).schema.to_dict()


def test_the_card_tells_visits_and_derived_columns():
    card = repr(made())
    assert "visits eq5d" in card
    assert "the area under eq5d" in card


def test_what_visits_have_in_common_is_no_rule():
    frame = pd.concat([rows()] * 20, ignore_index=True)
    frame["time"] += np.arange(len(frame)) / 1000
    rules = made(frame).rules()
    assert not any({"e6", "e12", "c6", "c12", "qaly", "total"} & {*rule.columns} for rule in rules)
