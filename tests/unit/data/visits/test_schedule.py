"""Visits and derived columns as they are declared."""

from __future__ import annotations

import pytest

from heorsynth.core.errors import RoleError
from heorsynth.data.visits.schedule import Derived, Schedule, area, as_schedule, total

VISITS = {"eq5d": {0: "e0", 6: ("e6", "e6_time")}, "cost": {6: "c6", 12: "c12"}}


def made(visits=VISITS, derived=None, death=None, unit=None, endpoints=("os",)):
    return as_schedule(visits, derived, death, unit, list(endpoints))


def test_a_schedule_reads_again_from_its_data():
    schedule = made(derived={"qaly": area("eq5d", rate=0.035), "total": {"total": "cost"}}, unit="month")
    assert Schedule.from_dict(schedule.to_dict()) == schedule
    assert schedule.derived["total"] == total("cost")
    assert schedule.visits["eq5d"] == ((0.0, "e0"), (6.0, "e6"))
    assert schedule.times == {"e6": "e6_time"}


def test_costs_with_a_total_are_amounts_of_periods():
    assert made(derived={"total": total("cost")}).periods == {"cost"}


def test_what_is_known_at_the_start_is_no_later_column():
    assert made(derived={"qaly": area("eq5d")}).later == {"e6", "e6_time", "c6", "c12", "qaly"}


def test_death_is_the_endpoint_called_os_unless_another_is_named():
    assert made(endpoints=("pfs", "os")).death == "os"
    assert made(endpoints=("pfs",)).death is None
    assert made(endpoints=("pfs", "os"), death="pfs").death == "pfs"


@pytest.mark.parametrize(
    ("changes", "found", "fix"),
    [
        ({"visits": {"eq5d": {0: "e0", 12: "e12", 6: "e6"}}}, "times do not increase", "order of time"),
        ({"visits": {"eq5d": {0: "e0"}}}, "fewer than two visits", "write visits="),
        ({"visits": {"eq5d": "e0"}}, "is not of the form", "write visits="),
        ({"visits": ["e0"]}, "is not of the form", "write visits="),
        ({"derived": {"qaly": area("eq5")}}, "no measure 'eq5'", "did you mean 'eq5d'"),
        ({"derived": {"qaly": {"mean": "eq5d"}}}, "no area and no total", "hs.area"),
        ({"derived": ["qaly"]}, "is not of the form", "hs.area"),
        ({"death": "oss"}, "no endpoint 'oss'", "did you mean 'os'"),
        ({"visits": None, "derived": {"qaly": area("eq5d")}}, "there are no visits", "write visits="),
        ({"unit": "months"}, "not a unit of time", "month"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_fix(changes, found, fix):
    with pytest.raises(RoleError) as error:
        made(**changes)
    assert found in error.value.problems[0].found
    assert fix in error.value.problems[0].fix


@pytest.mark.parametrize("rate", [-0.1, 1.0, "3.5%", True, float("nan")])
def test_a_rate_is_a_share(rate):
    with pytest.raises(RoleError, match="share from 0 to 1"):
        area("eq5d", rate=rate)


def test_a_derived_column_says_what_it_is():
    assert Derived("total", "cost", 0.03).text == "the total of cost, discounted at 0.03 a year"
