"""A run draws more cohorts while the answer is open, by a rule that does not pass too often."""

from __future__ import annotations

import math
from dataclasses import replace

import heorsynth as hs
from heorsynth.checks.core.finding import LATER_LEVEL
from heorsynth.checks.planning.plan import Plan, plan
from heorsynth.evidence.evidence import Evidence
from heorsynth.generators.sampling.cohorts import SyntheticCohorts
from heorsynth.protocol.settle import settled
from heorsynth.protocol.synthetic import Displayed

TRIAL = hs.datasets.simulated_trial(80, seed=1)[0]
SAMPLER = hs.generators.create("bootstrap").fit(TRIAL, seed=1)


class Runs:
    """Draws resamples, and judges their mean cost against a margin; keeps how many cohorts each look had."""

    def __init__(self, relative: float) -> None:
        margins = {"costs.mean": {"relative": relative}}
        self.plan, self.looks = plan(TRIAL, "software-testing", margins), []
        self.samples: list[int] = []
        self.relative = relative

    def drawn(self, m: int) -> SyntheticCohorts:
        return SAMPLER.sample(m=m, seed=1)

    def shown(self, cohorts: SyntheticCohorts) -> Displayed:
        self.samples.append(len(cohorts))
        return Displayed(TRIAL, cohorts)

    def judged(self, asked: Plan, cohorts: SyntheticCohorts, rows: Displayed) -> Evidence:
        assert rows.copies is cohorts, "the rows that are judged are those that are shown"
        self.looks.append((len(cohorts), asked.level))
        margins = {"costs.mean": {"relative": self.relative}}
        return hs.validate(TRIAL, cohorts, "software-testing", margins)

    def settled(self, m: int, most: int) -> tuple[SyntheticCohorts, Evidence]:
        synthetic, rows, evidence = settled(self.drawn(m), most, self.plan, self.drawn, self.shown, self.judged)
        assert rows.copies is synthetic and len(set(self.samples)) == len(self.samples), "one sample per number"
        return synthetic, evidence


def test_a_settled_answer_needs_one_look() -> None:
    runs = Runs(0.4)
    synthetic, evidence = runs.settled(20, 500)
    assert (len(synthetic), evidence.answers["faithful"], runs.looks) == (20, "yes", [(20, 0.9)])


def test_an_open_answer_draws_more_with_wider_intervals_and_keeps_the_first_rows() -> None:
    runs = Runs(0.02)
    synthetic, evidence = runs.settled(3, 60)
    assert len(synthetic) == evidence.m > 3
    assert {level for _, level in runs.looks[1:]} == {LATER_LEVEL}
    assert [m for m, _ in runs.looks] == sorted(m for m, _ in runs.looks) and len(runs.looks) <= 4
    first = SAMPLER.sample(m=3, seed=1)
    for before, after in zip(first, synthetic, strict=False):
        assert before.rows.equals(after.rows)


def test_no_more_than_the_most_are_drawn() -> None:
    runs = Runs(0.02)
    synthetic, _ = runs.settled(2, 2)
    assert len(synthetic) == 2 and len(runs.looks) == 1


def test_one_cohort_is_never_enough() -> None:
    runs = Runs(0.4)
    synthetic, evidence = runs.settled(1, 40)
    assert len(synthetic) > 1 and evidence.answers["faithful"] == "yes"


class StaysOpen(Runs):
    """Judges cohorts as always open, and keeps the plan of each look."""

    def __init__(self, needed: int) -> None:
        super().__init__(0.02)
        self.plans: list[Plan] = []
        found = hs.validate(TRIAL, self.drawn(2), "software-testing", {"costs.mean": {"relative": 0.02}})
        one = next(one for one in found.findings if one.key == "costs.mean" and one.decisive)
        half = math.sqrt((needed - 1) / 20)
        self.open = replace(one, m=20, difference=0.0, lower=-half, upper=half, margin=1.0, verdict="inconclusive")
        assert self.open.cohorts_needed in (needed, needed + 1), "rounding up can add one"

    def judged(self, asked: Plan, cohorts: SyntheticCohorts, rows: Displayed) -> Evidence:
        self.plans.append(asked)
        return Evidence.of(
            "software-testing", [self.open], m=len(cohorts), n_rows=80, n_source=80, generator="bootstrap"
        )


def test_the_first_later_look_has_the_predicted_number_of_cohorts_and_the_second_the_largest() -> None:
    runs = StaysOpen(needed=30)
    synthetic, _ = runs.settled(20, 300)
    predicted = math.ceil(1.25 * runs.open.cohorts_needed * 2.5)
    assert runs.samples == [20, predicted, 300] and len(synthetic) == 300


def test_looks_between_judge_what_decides_and_the_last_cohorts_are_judged_on_everything() -> None:
    runs = StaysOpen(needed=30)
    runs.settled(20, 300)
    later = replace(runs.plan, level=LATER_LEVEL)
    assert runs.plans == [runs.plan, later.deciding, later.deciding, later]
    assert len(later.deciding.margins) < len(later.margins)
