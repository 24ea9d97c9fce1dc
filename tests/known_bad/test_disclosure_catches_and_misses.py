"""Every attack against rows that betray patients, rows that betray none, and what each attack cannot see."""

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.checks.privacy.estimands import OF_RELEASES
from heorsynth.data.cohort.cohort import Cohort

from .conftest import ROLES

SHARING = PURPOSES["data-sharing"]
MARGINS = {
    asked.key: margin_for(asked.key, asked.margin)
    for asked in (*SHARING.decisive, *SHARING.supporting)
    if asked.key.startswith("disclosure.")
}
N = 1500


def patients_copied(source, fresh, rng):
    return source.copy()


def patients_jittered(source, fresh, rng):
    """Each number moved by a hundredth of its spread: no row is a copy."""
    rows = source.copy()
    for name in ("time", "cost", "qaly", "age", "score"):
        rows[name] = rows[name] + rng.normal(0, 0.01 * rows[name].std(), len(rows))
    return rows


def a_tenth_copied(source, fresh, rng):
    """Every tenth row is a patient, the others are fresh."""
    rows = fresh.copy()
    rows.iloc[::10] = source.iloc[::10].to_numpy()
    return rows.astype(source.dtypes.to_dict())


def secrets_shuffled(source, fresh, rng):
    """Patients as they are, but with another's time, event, cost and QALY."""
    order = rng.permutation(len(source))
    return source.assign(**{name: source[name].to_numpy()[order] for name in ("time", "event", "cost", "qaly")})


def columns_apart(source, fresh, rng):
    """Every column has the patients' own values in a random order: no row is near a patient."""
    return pd.DataFrame({name: source[name].to_numpy()[rng.permutation(len(source))] for name in source})


CASES = {
    # estimand: (what it must fail, what it cannot see, the estimand that sees that)
    "disclosure.copies": (patients_copied, patients_jittered, "disclosure.nearest"),
    "disclosure.near_copies": (patients_jittered, secrets_shuffled, "disclosure.nearest"),
    "disclosure.nearest": (patients_jittered, a_tenth_copied, "disclosure.copies"),
    "disclosure.membership": (patients_jittered, a_tenth_copied, "disclosure.copies"),
    "disclosure.nearest_record": (patients_jittered, a_tenth_copied, "disclosure.copies"),
    "disclosure.marginal": (columns_apart, None, None),
    "disclosure.members_found": (patients_copied, None, None),
    "disclosure.attribute": (patients_jittered, secrets_shuffled, "disclosure.nearest"),
    "disclosure.singling_out": (patients_copied, None, None),
    "disclosure.linkability": (patients_jittered, secrets_shuffled, "disclosure.nearest"),
}


FEWER = {"disclosure.marginal": 150}
"""Patients of a case: exact margins of 1,500 patients tell less about each of them than the attack's margin."""


@pytest.fixture(scope="module")
def cohorts(draw):
    def of(breaker=None, n=N, seed=1):
        source, unseen = draw(n, seed), draw(n, seed + 1000)
        rng = np.random.default_rng(seed)
        fresh = [draw(n, seed + 2000 + part) for part in range(3)]
        rows = [breaker(source, frame, rng) if breaker else frame for frame in fresh]
        held = [Cohort.derive(Cohort(source, **ROLES).schema, frame, label=None) for frame in (source, unseen, *rows)]
        return held[0], held[2:], held[1]

    return of


def verdict(found, key):
    real, synthetic, holdout = found
    findings = registry.findings("disclosure", real, synthetic, {key: MARGINS[key]}, np.random.default_rng(1), holdout)
    return {finding.verdict for finding in findings if finding.group == "all"}


def test_every_attack_has_a_case():
    on_the_hold_out = {"disclosure.contamination"}  # test_special_cases.py
    of_declared = {"disclosure.linkage"}  # the same with declared columns: tests/unit/checks/privacy/test_attempts.py
    of_releases = {estimand.key for estimand in OF_RELEASES}  # tests/unit/checks/privacy/test_releases.py
    assert set(CASES) | on_the_hold_out | of_declared == set(MARGINS) - of_releases
    assert set(MARGINS) | of_releases == {key for key in ESTIMANDS if key.startswith("disclosure.")}


@pytest.mark.parametrize("key", CASES)
def test_an_attack_fails_rows_that_betray_patients(cohorts, key):
    assert "fail" in verdict(cohorts(CASES[key][0], n=FEWER.get(key, N)), key)


@pytest.mark.parametrize("key", CASES)
def test_no_attack_fails_fresh_people(cohorts, key):
    assert "fail" not in verdict(cohorts(), key)


@pytest.mark.parametrize("key", [key for key in CASES if CASES[key][1]])
def test_an_attack_is_blind_to_what_another_sees(cohorts, key):
    _, unseen, witness = CASES[key]
    assert "fail" not in verdict(cohorts(unseen), key)
    assert "fail" in verdict(cohorts(unseen), witness)


@pytest.mark.parametrize("key", CASES)
def test_copies_of_a_hundred_patients_never_pass(cohorts, key):
    assert verdict(cohorts(patients_copied, n=100), key) != {"pass"}


def test_fresh_people_pass_where_there_are_enough_of_them(cohorts):
    """Each attack on its own passes fresh people at 1% in eight of ten cohorts of this size, and at 0.1% in none."""
    assert [key for key in CASES if verdict(cohorts(), key) != {"pass"}] == ["disclosure.members_found"]
