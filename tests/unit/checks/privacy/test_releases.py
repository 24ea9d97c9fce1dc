"""Releases without one patient each: what is left out, what is kept, and what a validation says of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.privacy.estimands import ALARMS, OF_RELEASES
from heorsynth.checks.privacy.releases import AT_RANDOM, EXTREME, releases
from heorsynth.core.errors import GeneratorError, Problem, RoleError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.engine.engine import open_engine

KEYS = [one.key for one in OF_RELEASES]


def people(n: int, seed: int) -> Cohort:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "time": rng.exponential(3, n) + 0.01, "event": rng.integers(0, 2, n), "sex": rng.choice(["f", "m"], n),
        "stage": rng.choice(["1", "2", "3"], n), "age": rng.normal(60, 9, n), "cost": rng.gamma(2, 500, n),
    })  # fmt: skip
    frame.loc[rng.random(n) < 0.1, "age"] = np.nan
    return Cohort(frame, endpoints={"os": ("time", "event")}, costs="cost", unit="year", currency="EUR")


PATIENTS = people(80, 1)


def fresh(cohort: Cohort) -> Sequence[Cohort]:
    """People of the same law who depend on no patient, other ones for every cohort fitted to."""
    seed = int(abs(hash(cohort.frame["cost"].sum())) % 10**6)
    return [people(80, 1000 + 7 * seed + part) for part in range(5)]


def copies(cohort: Cohort) -> Sequence[Cohort]:
    """Releases whose means are those of the patients."""
    return [Cohort.derive(cohort.schema, cohort.frame, label=None)] * 3


def made(refit, cohort: Cohort = PATIENTS):
    with open_engine("local") as engine:
        return releases(cohort, refit, np.random.default_rng(1), engine)


def test_the_difference_of_two_releases_with_the_patients_means_is_the_patient() -> None:
    found = made(copies)
    assert found.guesses[~np.isnan(found.patients)] == pytest.approx(found.patients[~np.isnan(found.patients)])
    assert found.without.shape == (EXTREME + AT_RANDOM, 3, found.patients.shape[1])


def test_the_extreme_patients_are_the_farthest_from_the_centre() -> None:
    frame = PATIENTS.frame
    frame.loc[[5, 17], "cost"] = [90_000.0, 70_000.0]
    found = made(copies, Cohort.derive(PATIENTS.schema, frame, label=None))
    far = np.nan_to_num(found.patients)
    sizes = np.linalg.norm(far, axis=1)
    assert found.extreme.sum() == EXTREME
    assert sizes[found.extreme].min() >= sizes[~found.extreme].max()
    assert far[:2].max(axis=1).min() > 4, "the two planted costs"
    assert np.argsort(-sizes)[:2].tolist() == [0, 1]


def test_numbers_and_levels_are_told_apart_and_a_column_that_does_not_vary_is_left_out() -> None:
    frame = PATIENTS.frame.assign(always="yes")
    found = made(copies, Cohort.derive(PATIENTS.schema, frame, label=None))
    plain = made(copies)
    assert found.patients.shape == plain.patients.shape
    # time, age and cost are numbers; event, sex, two of three stages and whether age is missing are indicators
    assert plain.numeric.sum() == 3 and (~plain.numeric).sum() == 5
    assert np.isnan(plain.patients).sum() == np.isnan(plain.patients[:, plain.numeric]).sum() > 0


def findings_of(refit):
    evidence = hs.validate(PATIENTS, [PATIENTS, people(80, 5)], "software-testing", refit=refit)
    return {one.key: one for one in evidence.findings if one.key in KEYS}


def test_means_of_the_patients_fail_every_attack_on_two_releases_and_his_values_decide() -> None:
    found = findings_of(copies)
    assert [found[key].verdict for key in KEYS] == ["fail"] * 3
    assert all(one.decisive == (one.key in {two.key for two in ALARMS}) for one in found.values())
    assert all(one.question == "private" for one in found.values())


def test_people_who_depend_on_no_patient_fail_none() -> None:
    found = findings_of(fresh)
    assert "fail" not in {one.verdict for one in found.values()}
    assert not any(one.decisive for one in found.values()), "an attack on few patients that fails decides; no other"
    asked = hs.validate(
        PATIENTS, [PATIENTS, people(80, 5)], "software-testing", margins={KEYS[0]: {"absolute": 0.2}}, refit=fresh
    )
    assert [one.key for one in asked.decisive if one.key in KEYS] == KEYS[:1]


def test_without_a_refit_nothing_is_asked_and_a_declared_margin_says_what_is_needed() -> None:
    cohorts = [people(80, 4), people(80, 5)]
    assert not set(KEYS) & {one.key for one in hs.validate(PATIENTS, cohorts, "software-testing").findings}
    declared = hs.validate(PATIENTS, cohorts, "software-testing", margins={KEYS[0]: {"absolute": 0.2}})
    (one,) = (one for one in declared.findings if one.key == KEYS[0])
    assert one.verdict == "not estimable" and "refit=" in one.because


def test_too_few_patients_or_cohorts_are_refused() -> None:
    with pytest.raises(RoleError, match="leave out one of 25 or more"):
        made(copies, people(24, 1))
    with pytest.raises(RoleError, match="draw m=2 or more"):
        made(lambda cohort: copies(cohort)[:1])


def refusing(cohort: Cohort) -> Sequence[Cohort]:
    """Copies, refused without the patient with the planted cost."""
    if cohort.frame["cost"].max() < 90_000:
        raise GeneratorError("generator", Problem("", "refused", ""))
    return copies(cohort)


def test_a_release_that_is_refused_without_a_patient_is_left_out_and_without_most_the_reason_is_given() -> None:
    frame = PATIENTS.frame
    frame.loc[5, "cost"] = 90_000.0
    found = made(refusing, Cohort.derive(PATIENTS.schema, frame, label=None))
    assert len(found.without) == len(found.patients) == len(found.extreme) == EXTREME + AT_RANDOM - 1
    assert found.extreme.sum() == EXTREME - 1

    def never(cohort: Cohort) -> Sequence[Cohort]:
        if cohort.n < PATIENTS.n:
            raise GeneratorError("generator", Problem("", "refused", ""))
        return copies(cohort)

    assert made(never) == "20 of 20 releases without one patient were refused by the generator"
    assert {one.because.split(" of ")[0] for one in findings_of(never).values()} == {"20"}


def test_no_value_of_a_patient_is_in_a_finding() -> None:
    told = repr(list(findings_of(copies).values()))
    assert not any(f"{cost:.1f}" in told for cost in PATIENTS.frame["cost"])
