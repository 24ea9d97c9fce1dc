"""Rows that break a rule of the patients are counted, for every generator alike."""

from __future__ import annotations

import numpy as np

import heorsynth as hs
from heorsynth.checks.core.finding import FAIL, PASS, Finding
from heorsynth.checks.core.margin import as_margin
from heorsynth.checks.core.question import Scope
from heorsynth.checks.structure.estimands import RULES
from heorsynth.checks.structure.rules import broken
from tests.unit.data.rules.planted import PLANTED, planted


def findings(cohort: hs.Cohort, synthetic: list[hs.Cohort]) -> dict[str, Finding]:
    margin = as_margin(RULES.key, RULES.margin, RULES.settings)
    scope = Scope(cohort, synthetic, ((RULES, margin),), np.random.default_rng(1))
    return {finding.column: finding for finding in broken(scope.asks()[0])}


def test_the_patients_themselves_break_no_rule() -> None:
    cohort = planted(200, 1)
    found = findings(cohort, [cohort] * 5)
    assert set(found) == PLANTED
    assert {(one.verdict, one.synthetic, one.floor) for one in found.values()} == {(PASS, 0.0, 0.0)}


def test_a_rule_that_one_row_in_twenty_breaks_fails_and_the_others_pass() -> None:
    cohort = planted(200, 1)
    spoilt = cohort.frame
    spoilt.loc[:9, "cost"] += 1
    copy = hs.Cohort.derive(cohort.schema, spoilt, label=None)
    found = findings(cohort, [copy] * 5)
    assert {text for text, one in found.items() if one.verdict == FAIL} == {"`cost` = `drug` + `gp` + `hosp`"}
    assert found["`cost` = `drug` + `gp` + `hosp`"].synthetic == 0.05


def test_a_column_that_the_copy_lacks_breaks_its_rules_in_every_row() -> None:
    cohort = planted(200, 1)
    copy = hs.Cohort.derive(cohort.schema, cohort.frame.drop(columns="label"), label=None)
    assert findings(cohort, [copy] * 3)["`code` gives `label`"].synthetic == 1.0


def test_marginals_break_the_rules_and_heor_does_not() -> None:
    cohort = planted(200, 1)
    for name, wanted in (("heor", 0), ("marginals", 10)):
        synthetic = list(hs.generators.create(name).fit(cohort, seed=1).sample(m=5, seed=1))
        failed = sum(one.verdict == FAIL for one in findings(cohort, synthetic).values())
        assert failed == 0 if wanted == 0 else failed >= wanted


def test_a_data_sharing_copy_is_decided_by_rules_too() -> None:
    from heorsynth.checks.planning.purposes import PURPOSES

    decisive = {name for name, one in PURPOSES.items() if RULES.key in {entry.estimand.key for entry in one.decisive}}
    assert decisive == {"model-development", "data-sharing", "software-testing"}
