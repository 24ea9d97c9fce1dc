"""The scope of a check and what it asks: shared results, intersections, and the question of an ask."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from heorsynth.checks.core.estimand import Estimand
from heorsynth.checks.core.groups import ALL, ARM, INTERSECTION, SUBGROUP, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Ask, Scope
from heorsynth.checks.core.standing import Standing

KEY = "check.key"


@dataclass(frozen=True)
class Patients:
    """What a cohort is here: n patients, and what an estimator finds in them."""

    n: int
    value: float


REAL, TWENTY = Patients(50, 10.0), (Patients(50, 12.0),) * 20


def absolute(width: float) -> Margin:
    return Margin("absolute", width)


def scope(*margins: Margin, standing: Standing | None = None) -> Scope:
    estimand = Estimand(KEY, "plain", "definition", "formula", list)
    asked = tuple((estimand, margin) for margin in margins)
    return Scope(REAL, TWENTY, asked, np.random.default_rng(1), standing=standing or Standing())


def test_what_several_estimands_share_is_made_once() -> None:
    made: list[int] = []
    given = scope()

    def make() -> None:
        made.append(1)

    for key in (("a", 1), ("a", 1), ("a", 2)):
        assert given.shared(key, make) is None
    assert len(made) == 2
    assert given.shared("number", lambda: 7) == given.shared("number", lambda: 8) == 7
    assert scope().shared("number", lambda: 8) == 8, "another scope shares nothing"


def test_a_scope_asks_each_estimand_of_everyone() -> None:
    first, second = scope(absolute(1.0), absolute(2.0)).asks()
    assert (first.margin.width, second.margin.width) == (1.0, 2.0)
    assert (first.group.label, first.group.kind, first.group.real) == ("all", ALL, REAL)
    assert first.group.synthetic == TWENTY and first.rng is first.scope.rng


def within(least: object) -> Margin:
    return Margin("absolute", 1.0, {"intersections": least})


def test_an_intersection_is_asked_only_where_it_has_the_patients_that_the_margin_wants() -> None:
    cell: Group = Group("sex=f, stage=II", INTERSECTION, Patients(30, 1.0), ())  # type: ignore[type-var]
    for least, asked in [(None, False), (29, True), (30, True), (31, False)]:
        (ask,) = scope(within(least)).asks()
        assert ask.of(cell) is asked
        assert all(ask.of(replace(cell, kind=kind)) for kind in (ALL, ARM, SUBGROUP))


def test_the_fewest_patients_of_a_scope_are_those_of_its_most_modest_estimand() -> None:
    assert scope(within(60), within(None), within(30)).fewest == 30
    assert scope(within(None), absolute(1.0)).fewest is None


def test_a_margin_is_about_the_column_it_names_or_about_all() -> None:
    (named,), (all_,) = (scope(Margin("absolute", 1.0, {"cost": cost})).asks() for cost in ("drugs", None))
    assert named.names("cost", "drugs") and not named.names("cost", "stay")
    assert all_.names("cost", "drugs") and all_.names("utility", "eq5d")


def test_the_question_of_an_ask_has_its_group_margin_and_column_unless_others_are_given() -> None:
    standing = Standing(before=("from a sample",))
    ask = Ask(*scope(absolute(1.0)).asked[0], scope(standing=standing), scope().everyone, "os", "cost")
    plain = ask.question("label")
    assert (plain.group, plain.margin, plain.standing) == (ask.group, ask.margin, standing)
    assert (plain.endpoint, plain.column, plain.label) == ("os", "cost", "label")
    cell: Group = Group("sex=f", SUBGROUP, REAL, TWENTY)  # type: ignore[type-var]
    other = ask.question("label", cell, absolute(2.0), column="stay", unit="EUR")
    assert (other.group, other.margin.width, other.endpoint, other.column, other.unit) == (
        cell,
        2.0,
        "os",
        "stay",
        "EUR",
    )
