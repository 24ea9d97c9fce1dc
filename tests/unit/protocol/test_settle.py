"""A run draws more cohorts while the answer is open, by a rule that does not pass too often."""

from __future__ import annotations

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
