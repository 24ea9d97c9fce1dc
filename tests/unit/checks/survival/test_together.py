"""One pass over all cohorts gives what each cohort gives by itself, and leaves the rest to the plain estimators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core import question
from heorsynth.checks.core.finding import NOT_ESTIMABLE, Finding
from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.question import Ask
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.survival import together as together_module
from heorsynth.checks.survival.together import stacks_of, together
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.data.folders.tally import Tally
from heorsynth.estimators.stacked.counts import Stack
from heorsynth.estimators.survival.estimates import kaplan_meier

SCHEMA = Schema(
    {"os": Endpoint("os", "time", "event", {1: "death", 2: "relapse"}), "pfs": Endpoint("pfs", "early", "event")},
    arm="arm", arm_reference="usual", subgroups=("sex", "site"), unit="month",
)  # fmt: skip
DECLARED: dict[str, dict[str, object]] = {
    "rmst": {"horizon": 6.0, "relative": 0.1, "intersections": 12}, "landmark": {"at": [2.0, 5.0], "absolute": 0.1},
    "median": {"relative": 0.2}, "censoring": {"horizon": 6.0, "relative": 0.1},
    "optimism": {"horizon": 6.0, "absolute": 0.1}, "incidence": {"at": 5.0, "absolute": 0.1},
    "km_gap": {"horizon": 6.0, "absolute": 0.1}, "km_gap_mean": {"horizon": 6.0, "absolute": 0.1},
    "rmst_difference": {"horizon": 6.0, "absolute": 1.0, "intersections": 12}, "hazard_ratio": {"ratio": [0.8, 1.25]},
    "hazard_ratio_change": {"at": 3.0, "ratio": [0.8, 1.25]}, "subdistribution_ratio": {"ratio": [0.8, 1.25]},
}  # fmt: skip


def rows(seed: int, n: int) -> pd.DataFrame:
    """Follow-up in whole and half months with many ties, a few of them up to rounding, in three arms."""
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.arange(n) % 3)
    time = np.ceil(rng.exponential(np.array([9, 6, 5])[arm])) / 2
    time[::5] *= 1 + 1e-15
    return pd.DataFrame({
        "time": time, "event": rng.choice([0, 1, 1, 2], n), "early": time / 2,
        "arm": np.array(["new", "old", "usual"])[arm], "sex": np.array(["f", "m"])[rng.permutation(n) % 2],
        "came": time * rng.choice([0, 0.4], n) / 2, "site": rng.choice(["here", "there"], n),
    })  # fmt: skip


def cohort(frame: pd.DataFrame, schema: Schema = SCHEMA) -> Cohort:
    return Cohort.derive(schema, frame, label=None)


def without(**level: str) -> Cohort:
    """A cohort that lacks one level of a column."""
    frame = rows(7, 80)
    ((name, lost),) = level.items()
    return cohort(frame[frame[name] != lost])


def changed(**columns: object) -> Cohort:
    return cohort(rows(8, 70).assign(**columns))


MANY = [cohort(rows(seed, n)) for seed, n in ((2, 60), (3, 97), (4, 41))]
DELAYED = SCHEMA.with_roles(entry="came")
LATE = [cohort(one.frame, DELAYED) for one in MANY]
UNKNOWN = changed(time=rows(8, 70)["time"].where(np.arange(70) % 9 > 0))
NEVER_AT_RISK = cohort(rows(9, 70).assign(came=np.where(np.arange(70) == 3, 99.0, 0.0)), DELAYED)
CASES: dict[str, tuple[Cohort, list[Cohort]]] = {
    "cohorts of different sizes": (cohort(rows(1, 75)), MANY),
    "delayed entry": (cohort(rows(1, 120), DELAYED), LATE),
    "delayed entry of cohorts of which one cannot be followed": (cohort(rows(1, 120), DELAYED), [*LATE, NEVER_AT_RISK]),
    "one cohort": (cohort(rows(1, 75)), MANY[:1]),
    "the patients themselves": (MANY[1], [MANY[1], MANY[0], MANY[1]]),
    "missing times": (UNKNOWN, [MANY[0], UNKNOWN, MANY[1]]),
    "an arm empty in one cohort": (cohort(rows(1, 75)), [*MANY, without(arm="new")]),
    "the reference arm empty in one cohort": (cohort(rows(1, 75)), [*MANY, without(arm="usual")]),
    "a subgroup empty in one cohort": (cohort(rows(1, 75)), [without(sex="m"), *MANY]),
    "one cohort without a competing event": (cohort(rows(1, 75)), [changed(event=np.arange(70) % 2), *MANY]),
    "a cause that only one cohort has": (cohort(rows(1, 75)), [changed(event=np.arange(70) % 4), *MANY]),
    "one cohort without any event": (cohort(rows(1, 75)), [changed(event=0), *MANY]),
    "one cohort without censoring": (cohort(rows(1, 75)), [changed(event=1), *MANY]),
    "one cohort of short follow-up": (cohort(rows(1, 75)), [changed(time=np.ceil(np.arange(1, 71) / 30)), *MANY]),
    "all cohorts without competing events": (changed(event=np.arange(70) % 3 > 0), [changed(event=1), MANY[0]]),
}


def found(real: Cohort | Tally, synthetic: list[Cohort] | list[Tally]) -> list[Finding]:
    margins = {f"survival.{key}": margin_for(f"survival.{key}", declared) for key, declared in DECLARED.items()}
    gaps = {"subgroups.disparity": margin_for("subgroups.disparity", {"relative": 0.2})}
    return [
        *registry.findings("survival", real, synthetic, margins, np.random.default_rng(1)),
        *registry.findings("subgroups", real, synthetic, gaps, np.random.default_rng(1)),
    ]


@pytest.fixture(scope="module", params=CASES)
def both_ways(request: pytest.FixtureRequest) -> tuple[list[Finding], list[Finding]]:
    """The findings of one pass, and those of one cohort at a time: no group is small enough for one pass."""
    given = CASES[request.param]
    with pytest.MonkeyPatch.context() as setting:
        at_once = found(*given)
        setting.setattr(question, "_MOST_HELD", 0)
        return at_once, found(*given)


def test_one_pass_gives_the_findings_of_one_cohort_at_a_time(both_ways: tuple[list[Finding], list[Finding]]) -> None:
    at_once, plain = both_ways
    assert [one.verdict for one in at_once] == [one.verdict for one in plain]
    assert sum(one.verdict != NOT_ESTIMABLE for one in at_once) >= 25
    for one, other in zip(at_once, plain, strict=True):
        for field in fields(Finding):
            value, expected = getattr(one, field.name), getattr(other, field.name)
            if isinstance(expected, float):
                expected = pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)
            assert value == expected, (one.key, one.estimand, one.group, field.name)


def asked(real: object, *synthetic: object) -> Ask:
    margins = {"survival.rmst": margin_for("survival.rmst", DECLARED["rmst"])}
    (ask,) = registry.scope_of(real, synthetic, margins, np.random.default_rng(1)).asks()
    return replace(ask, endpoint="os")


def plain(data: Cohort) -> Estimate:
    return Estimate.normal(float(data.n), 0.5)


def sizes(stack: Stack) -> tuple[np.ndarray, np.ndarray]:
    """Patients at risk at the start, which tells cohorts apart, and a standard error of 2."""
    return stack.at_risk.sum(axis=0)[:, 0] + 1000, np.full(len(stack.times), 2.0)


def test_a_cohort_gets_its_own_result_and_the_plain_one_where_the_pass_has_none() -> None:
    real, last = cohort(rows(1, 75)), MANY[2]

    def some(stack: Stack) -> tuple[np.ndarray, np.ndarray]:
        value, se = sizes(stack)
        return np.where(np.arange(4) == 1, np.nan, value), np.where(np.arange(4) == 2, np.inf, se)

    estimate = together(asked(real, *MANY), some, plain)
    assert [estimate(one).value for one in (last, MANY[1], MANY[0], real)] == [1041, 97, 60, 1075]
    assert [estimate(one).se for one in (last, MANY[1])] == [2.0, 0.5]
    assert estimate(cohort(rows(5, 33))).value == 33, "a cohort that was not in the pass"


def test_another_group_than_that_of_the_question_has_its_own_pass() -> None:
    ask = asked(MANY[0], MANY[1])
    female = next(group for group in ask.scope.groups() if group.label == "sex=f")
    estimate = together(ask, sizes, plain, female)
    assert estimate(female.real).value == 1000 + (MANY[0].levels("sex") == "f").sum()
    assert estimate(MANY[0]).value == 60, "everyone was not in this pass"


def test_a_result_that_is_not_finite_warns_nobody() -> None:
    def nothing(stack: Stack) -> tuple[np.ndarray, np.ndarray]:
        return np.log(-stack.at_risk.sum(axis=(0, 2))) / 0.0, np.ones(2)

    estimate = together(asked(MANY[0], MANY[1]), nothing, plain)
    assert [estimate(one).value for one in MANY[:2]] == [60, 97]


def test_a_cohort_that_cannot_be_followed_is_left_to_the_plain_estimator_which_states_the_reason() -> None:
    def curve(data: Cohort) -> Estimate:
        time, cause, entry = data.outcome("os")
        return Estimate.normal(kaplan_meier(time, cause == 1, entry).reach, 1.0)

    estimate = together(asked(LATE[0], NEVER_AT_RISK, LATE[1]), sizes, curve)
    assert estimate(LATE[1]).value > 1000
    with pytest.raises(NotEstimableError) as refusal:
        estimate(NEVER_AT_RISK)
    assert "1 of 70 times are not after the start of follow-up" in refusal.value.problems[0].found


def stack_of(ask: Ask, group: Group, pair: tuple[str, str, str] | None = None) -> Stack:
    """The one stack of few rows."""
    (stack,) = stacks_of(ask, group, pair) or ()
    return stack


def test_two_arms_are_those_named_and_patients_of_a_third_are_left_out() -> None:
    real, ask = MANY[0], asked(MANY[0], MANY[1])
    for arm in ("new", "old"):
        stack = stack_of(ask, ask.group, ("arm", arm, "usual"))
        assert stack.at_risk.shape[:2] == (2, 2)
        for row, one in enumerate((real, MANY[1])):
            counts = [(one.levels("arm") == level).sum() for level in (arm, "usual")]
            assert stack.at_risk[:, row, 0].tolist() == counts


def test_counts_are_made_once_for_each_endpoint_group_and_arm() -> None:
    ask = asked(MANY[0], MANY[1])
    female = next(group for group in ask.scope.groups() if group.label == "sex=f")
    wanted: list[Callable[[], Stack]] = [
        lambda: stack_of(ask, ask.group),
        lambda: stack_of(ask, ask.group, ("arm", "new", "usual")),
        lambda: stack_of(ask, ask.group, ("arm", "old", "usual")),
        lambda: stack_of(ask, female),
        lambda: stack_of(replace(ask, endpoint="pfs"), ask.group),
    ]
    first, again = [make() for make in wanted], [make() for make in wanted]
    assert all(one is other for one, other in zip(first, again, strict=True))
    assert len({id(one) for one in first}) == 5
    assert first[3].at_risk[0, 0, 0] == (MANY[0].levels("sex") == "f").sum()
    assert first[4].times[0, 0] == MANY[0].frame["early"].min()


def test_a_stream_of_some_cohorts_at_a_time_gives_the_findings_of_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    margins = {f"survival.{name}": margin_for(f"survival.{name}", facts) for name, facts in DECLARED.items()}

    def found() -> list[Finding]:
        return registry.findings("survival", MANY[0], MANY[1:], margins, np.random.default_rng(1))

    at_once = found()
    monkeypatch.setattr(together_module, "_MOST_KEPT", 2 * MANY[0].n)
    for one, other in zip(at_once, found(), strict=True):
        for name in ("real", "synthetic", "difference", "lower", "upper", "floor"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-12, nan_ok=True), (one, name)
        assert one.verdict == other.verdict and one.because == other.because


def test_folders_and_more_rows_than_fit_keep_the_plain_estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    tallies = [Tally.of(one) for one in MANY[:2]]
    assert together(asked(*tallies), sizes, plain) is plain
    monkeypatch.setattr(question, "_MOST_HELD", 60 + 97)
    assert together(asked(MANY[0], MANY[0]), sizes, plain) is not plain
    monkeypatch.setattr(question, "_MOST_HELD", 119)
    assert together(asked(MANY[0], MANY[0]), sizes, plain) is plain
