"""Synthetic cohorts that agreeing averages would pass: an effect erased, copies spread thin, one cohort twice."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import heorsynth as hs
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.scalar import cap_margin_at_effect
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.core import errors
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.generators.sampling.cohorts import SyntheticCohorts

COPIES = {"disclosure.copies": margin_for("disclosure.copies", {"absolute": 0.01})}


def trial(n: int, seed: int) -> Cohort:
    return hs.datasets.simulated_trial(n, seed)[0]


@pytest.fixture(scope="module")
def patients() -> Cohort:
    return trial(4000, 3)


@pytest.fixture(scope="module")
def drawn(patients: Cohort) -> SyntheticCohorts:
    return hs.generators.create("heor").fit(patients, seed=1).sample(m=5, seed=1)


def test_a_cohort_whose_gain_in_qalys_is_erased_is_not_fit_though_no_decision_turns(patients: Cohort, drawn) -> None:
    """At 10,000 a QALY both say no: only the gain itself tells that the rows have none."""
    erased = []
    for one in drawn:
        frame = one.frame.reset_index(drop=True)
        new = frame["arm"] == "new"
        frame.loc[new, "qaly"] -= frame.loc[new, "qaly"].mean() - frame.loc[~new, "qaly"].mean()
        erased.append(Cohort.derive(patients.schema, frame, label=None))
    economics = {"comparator": "usual", "wtp": [10_000]}
    told = hs.validate(patients, erased, "economic-evaluation", economics=economics)
    assert told.verdict != "fit"
    (gain,) = [one for one in told.decisive if one.key == "economics.incremental_qaly"]
    assert gain.verdict == "fail"
    assert gain.margin == pytest.approx(gain.real, rel=1e-5)
    assert "capped at the real effect; declared ±0.1" in gain.because
    assert _gain_verdict(patients, drawn) == "pass"


def _gain_verdict(patients: Cohort, cohorts) -> str:
    margins = {"economics.incremental_qaly": margin_for("economics.incremental_qaly", {"absolute": 0.1})}
    (gain,) = registry.findings("economics", patients, list(cohorts), margins, np.random.default_rng(1))
    return gain.verdict


def test_a_margin_is_narrowed_to_an_effect_that_is_shown_and_to_no_other() -> None:
    declared = Margin("absolute", 0.1)
    assert cap_margin_at_effect(declared, 0.06, 0.03**2).width == pytest.approx(0.06, rel=1e-5)
    assert cap_margin_at_effect(declared, -0.06, 0.03**2).width == pytest.approx(0.06, rel=1e-5)
    assert cap_margin_at_effect(declared, 0.06, 0.04**2) is declared
    assert cap_margin_at_effect(declared, 0.3, 0.03**2) is declared
    assert cap_margin_at_effect(Margin("relative", 0.1), 0.06, 0.0001) == Margin("relative", 0.1)
    assert cap_margin_at_effect(Margin("ratio", 0.223), -0.1, 0.04**2).width == pytest.approx(0.1, rel=1e-5)


def test_an_erased_effect_passes_no_more_often_than_one_on_the_edge() -> None:
    """A trial of 1,000 with a significant gain of 0.08, and 200 times 3 cohorts of rows without: 5% may pass."""
    rng = np.random.default_rng(5)
    arm = np.tile(["new", "usual"], 500)

    def rows(gain: float) -> pd.DataFrame:
        return pd.DataFrame({
            "time": 1.0 + rng.random(1000), "event": 1, "arm": arm, "cost": rng.gamma(4, 500, 1000),
            "qaly": rng.normal(1 + gain * (arm == "new"), 0.3),
        })  # fmt: skip

    roles = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": "cost",
             "utilities": "qaly", "unit": "year", "currency": "EUR"}  # fmt: skip
    real = Cohort(rows(0.08), **roles)
    passed = 0
    for _ in range(200):
        others = [Cohort.derive(real.schema, rows(0.0), label=None) for _ in range(3)]
        passed += _gain_verdict(real, others) == "pass"
    assert 0 < passed <= stats.binom.ppf(0.9995, 200, 0.05)


def test_patients_copied_a_few_in_each_cohort_are_counted_over_all_of_them() -> None:
    """Twelve of 3,000 in each of twenty cohorts: 0.4% of rows, 8% of patients."""
    source, unseen, cohorts = trial(3000, 1), trial(3000, 2), []
    for part in range(20):
        fresh = trial(3000, 100 + part).frame
        mixed = pd.concat([source.frame.iloc[12 * part : 12 * part + 12], fresh.iloc[12:]], ignore_index=True)
        cohorts.append(Cohort.derive(source.schema, mixed, label=None))
    rows, people = registry.findings("disclosure", source, cohorts, COPIES, np.random.default_rng(1), unseen)
    assert (rows.verdict, round(rows.synthetic, 3)) == ("pass", 0.004)
    assert (people.verdict, people.synthetic) == ("fail", 0.08)


@pytest.mark.parametrize("n", [50, 150, 1000])
def test_nobody_met_is_nobody_exposed_however_few_there_are(n: int) -> None:
    found = registry.findings("disclosure", trial(n, 1), [trial(n, 7)], COPIES, np.random.default_rng(1), trial(n, 2))
    assert (found[1].verdict, found[1].upper) == ("pass", 0.0)


def test_people_who_coincide_in_coarse_columns_are_told_from_copies() -> None:
    rng = np.random.default_rng(3)

    def coarse(n: int) -> Cohort:
        rows = pd.DataFrame({
            "time": rng.integers(1, 12, n), "event": rng.integers(0, 2, n), "sex": rng.choice(["f", "m"], n),
        })  # fmt: skip
        return Cohort(rows, endpoints={"os": ("time", "event")}, subgroups="sex", unit="month")

    found = registry.findings("disclosure", coarse(400), [coarse(400)], COPIES, rng, coarse(400))[1]
    assert found.synthetic > 0.95
    assert found.verdict != "fail"


def test_one_cohort_twice_is_refused_and_some_of_a_release_are_told(patients: Cohort, drawn) -> None:
    with pytest.raises(errors.LabelError, match=r"cohort 2: is cohort 0 again: number 0 of release"):
        hs.validate(patients, [drawn[0], drawn[1], drawn[0]], "teaching")
    told = hs.validate(patients, drawn[:2], "teaching")
    assert any("2 of the 5 cohorts of release" in note for note in told.notes)
    assert not any("cohorts of release" in note for note in hs.validate(patients, drawn, "teaching").notes)


def test_a_fit_says_how_much_of_the_rest_fails(patients: Cohort, drawn) -> None:
    """Sex and stage dealt out anew: no average moves, and nothing within subgroups is left."""
    rng, dealt = np.random.default_rng(1), []
    for one in drawn:
        frame = one.frame.reset_index(drop=True)
        for name in ("sex", "stage"):
            frame[name] = rng.permutation(frame[name])
        dealt.append(Cohort.derive(patients.schema, frame, label=None))
    told = hs.validate(patients, dealt, "economic-evaluation", economics={"comparator": "usual", "wtp": [20_000]})
    failed = sum(one.verdict == "fail" for one in told.findings if not one.decisive)
    if told.verdict == "fit":
        assert f"Not covered: {failed} of" in told.sentence
        assert "subgroups" in told.sentence
    assert failed > 20


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (lambda real, syn: (real.frame, syn), "the cohort to judge against.*a DataFrame"),
        (lambda real, syn: (real, syn[0]), "one cohort by itself"),
        (lambda real, syn: (real, "copies.parquet"), "a str among them"),
        (lambda real, syn: (real, [syn[0].frame]), "a DataFrame among them"),
    ],
)
def test_what_is_no_cohort_is_told_to_be_none(given, told: str, patients: Cohort, drawn) -> None:
    with pytest.raises(errors.RoleError, match=f"(?s){told}"):
        hs.validate(*given(patients, drawn), "teaching")
