"""Evidence joins findings to lineage, and its verdict is for one purpose."""

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.core.errors import LabelError, RoleError, SeedError, TooFewPatientsError, UnknownNameError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.labels.label import Label
from heorsynth.evidence.evidence import COLUMNS
from heorsynth.evidence.validate import validate

ROLES = {
    "endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": "cost", "utilities": "qaly", "subgroups": "sex",
    "currency": "EUR", "unit": "year",
}  # fmt: skip


def rows(seed, n=300):
    rng = np.random.default_rng(seed)
    death, left = rng.exponential(3, n), rng.uniform(1, 6, n)
    return pd.DataFrame({
        "time": np.minimum(death, left), "event": (death < left).astype("int8"), "arm": rng.choice(["a", "b"], n),
        "sex": rng.choice(["f", "m"], n), "cost": rng.gamma(2, 1000, n), "qaly": rng.gamma(8, 0.2, n),
    })  # fmt: skip


@pytest.fixture(scope="module")
def real():
    return Cohort(rows(1), **ROLES)


@pytest.fixture(scope="module")
def faithful(real):
    return [Cohort.derive(real.schema, rows(10 + part), label=None) for part in range(4)]


def labelled(real, frame, part=0, calibrated=()):
    label = Label("1a2b", "heor", real.n, real.n, len(frame), part, 1, 1, "0.1.0", {}, 1, calibrated)
    return Cohort.derive(real.schema, frame, label=label)


@pytest.fixture(scope="module")
def resampled(real):
    """Resamples of the patients: their mean over cohorts is the patients' own."""
    drawn = (real.frame.sample(frac=1, replace=True, random_state=part, ignore_index=True) for part in range(20))
    return [Cohort.derive(real.schema, frame, label=None) for frame in drawn]


RESAMPLED = {
    "teaching": ("yes", "yes", "not asked", "fit"),
    "software-testing": ("yes", "yes", "not asked", "fit"),
    "model-development": ("yes", "yes", "not asked", "fit"),
    "augmentation": ("yes", "no", "not asked", "not fit"),
    "external-control": ("yes", "no", "not asked", "not fit"),
    "indirect-comparison": ("not shown", "no", "not asked", "not fit"),
    "economic-evaluation": ("not shown", "no", "not asked", "inconclusive"),
    "data-sharing": ("yes", "no", "no", "not fit"),
}
"""Resamples of 300 patients are faithful and full of patients; only their net benefit, near 0, and the narrow
margins of a paper stay open with 20. The patients are too few for the margins of effects, which decides only where a
purpose makes a claim about others."""


@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_purpose_reaches_a_verdict_without_a_hole_in_its_table(real, resampled, purpose):
    evidence = validate(real, resampled, purpose=purpose, economics={"wtp": [20000]})
    assert (*evidence.answers.values(), evidence.verdict) == RESAMPLED[purpose]
    table = evidence.to_frame()
    assert tuple(table.columns) == COLUMNS
    assert set(table["verdict"]) <= {"pass", "fail", "inconclusive", "not estimable"}
    judged = table[table["verdict"] != "not estimable"]
    assert judged[["difference", "lower", "upper", "margin"]].notna().all().all()
    assert (judged["floor"].notna() | (judged["check"] == "inference")).all(), (
        "a standard error has no error of its own"
    )
    assert ((judged["lower"] <= judged["difference"] + 1e-9) & (judged["difference"] <= judged["upper"] + 1e-9)).all()


def test_teaching_on_faithful_cohorts_with_wide_enough_data_is_fit():
    real = Cohort(rows(1, 3000), **ROLES)
    faithful = [Cohort.derive(real.schema, rows(50 + part, 3000), label=None) for part in range(4)]
    evidence = validate(real, faithful, purpose="teaching")
    assert evidence.verdict == "fit", evidence


def test_sharing_is_never_fit_without_people_the_generator_never_saw(real, faithful):
    evidence = validate(real, faithful, purpose="data-sharing")
    missing = [finding for finding in evidence.decisive if finding.check == "disclosure"]
    assert {finding.verdict for finding in missing if finding.key != "disclosure.copies"} == {"not estimable"}
    assert all("holdout" in finding.because for finding in missing if finding.key != "disclosure.copies")
    assert evidence.verdict != "fit"


def test_with_a_hold_out_fresh_people_pass_every_disclosure_check():
    real = Cohort(rows(1, 2000), **ROLES)
    syn = [Cohort.derive(real.schema, rows(50 + part, 2000), label=None) for part in range(2)]
    unseen = Cohort.derive(real.schema, rows(2, 2000), label=None)
    found = [f for f in validate(real, syn, "data-sharing", holdout=unseen).decisive if f.check == "disclosure"]
    averages = ("copies", "membership", "nearest_record", "marginal", "attribute")
    assert {f.key for f in found} == {f"disclosure.{k}" for k in averages}
    assert {f.verdict for f in found if f.group == "all"} == {"pass"}


def test_sharing_the_patients_themselves_is_not_fit_even_without_a_hold_out(real):
    evidence = validate(real, [Cohort.derive(real.schema, real.frame, label=None)] * 3, purpose="data-sharing")
    (copies,) = [finding for finding in evidence.decisive if finding.key == "disclosure.copies"]
    assert (copies.verdict, copies.synthetic) == ("fail", 1.0)
    assert evidence.verdict == "not fit"


def test_a_declared_margin_on_privacy_decides_for_every_purpose(real):
    same = [Cohort.derive(real.schema, real.frame, label=None)] * 3
    declared = validate(real, same, purpose="teaching", margins={"disclosure.copies": {"absolute": 0.01}})
    assert (declared.answers["private"], declared.verdict) == ("no", "not fit")
    assert validate(real, same, purpose="teaching").answers["private"] == "not asked"


def test_one_cohort_is_shown_by_subgroup_without_an_interval(real, faithful):
    one, four = (validate(real, faithful[:m]).subgroups() for m in (1, 4))
    assert len(one) == len(four) > 0 and one["difference"].notna().all()
    assert one[["lower", "upper", "pooled", "pooled_lower", "pooled_upper", "spread"]].isna().all().all()
    assert four[["lower", "upper", "pooled"]].notna().all().all()


def test_one_seed_gives_the_same_evidence_twice(real, faithful):
    one, two = (validate(real, faithful, seed=7, economics={"wtp": 20000}).to_frame() for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


def test_asking_for_less_changes_no_other_finding(real, faithful):
    """Each check has its own stream, so a purpose with fewer checks gives the same numbers."""
    by_purpose = [
        {(f.key, f.group, f.estimand): (f.lower, f.upper) for f in validate(real, faithful, purpose=purpose).findings}
        for purpose in ("augmentation", "data-sharing")
    ]
    shared = [key for key in by_purpose[0] if key in by_purpose[1] and key[0].startswith(("survival.rmst", "costs"))]
    assert shared and all(by_purpose[0][key] == by_purpose[1][key] for key in shared)


def test_inputs_are_left_as_they_were(real, faithful):
    before, state = real.frame, np.random.get_state()[1].copy()
    validate(real, faithful)
    pd.testing.assert_frame_equal(real.frame, before)
    assert (np.random.get_state()[1] == state).all()


def test_impossible_rows_are_not_fit_but_values_beyond_the_source_are(real, faithful):
    high = rows(3).assign(cost=lambda r: r["cost"] + np.where(r.index == 0, 50_000, 0))
    negative = rows(3).assign(cost=lambda r: r["cost"] - np.where(r.index == 0, 5_000, 0))
    unusual = validate(real, [*faithful, Cohort.derive(real.schema, high, label=None)], purpose="software-testing")
    broken = validate(real, [*faithful, Cohort.derive(real.schema, negative, label=None)], purpose="software-testing")
    assert unusual.broken and not unusual.impossible and unusual.verdict == "fit"
    assert broken.verdict == "not fit" and "no patient can break" in broken.sentence


def test_a_real_cohort_that_is_synthetic_is_refused_unless_allowed_and_then_noted(real, faithful):
    source = labelled(real, rows(4))
    with pytest.raises(LabelError, match="itself synthetic"):
        validate(source, faithful)
    evidence = validate(source, faithful, allow_synthetic_source=True)
    assert any("itself synthetic" in note for note in evidence.notes)


def test_cohorts_with_other_roles_are_refused_and_the_roles_named(real):
    other = Cohort(rows(5), **{**ROLES, "subgroups": None})
    with pytest.raises(RoleError, match="subgroups"):
        validate(real, [other])


def test_a_cohort_without_an_endpoint_column_is_refused(real):
    with pytest.raises(RoleError, match="event"):
        validate(real, [Cohort.derive(real.schema, rows(5).drop(columns="event"), label=None)])


def test_no_cohorts_no_seed_and_no_such_purpose_are_refused(real, faithful):
    with pytest.raises(TooFewPatientsError):
        validate(real, [])
    with pytest.raises(SeedError):
        validate(real, faithful, seed=-1)
    with pytest.raises(UnknownNameError):
        validate(real, faithful, purpose="marketing")


def test_a_label_that_names_an_unknown_estimand_is_noted_and_marks_nothing(real):
    evidence = validate(real, [labelled(real, rows(6), calibrated=("costs.mean", "costs.maen"))])
    assert "The label names unknown estimands as equal by construction: costs.maen." in evidence.notes
    assert not any("maen" in note and "unknown" not in note for note in evidence.notes)


def test_the_label_names_the_generator_and_what_was_calibrated(real):
    evidence = validate(real, [labelled(real, rows(6), calibrated=("costs.mean",))])
    assert evidence.generator == "heor"
    assert {finding.key for finding in evidence.findings if finding.constructed} == {"costs.mean"}
    assert any("no evidence of fidelity" in note for note in evidence.notes)


def test_cohorts_made_from_other_patients_than_judged_against_are_noted(real):
    label = Label("1a2b", "heor", 77, 77, 300, 0, 1, 1, "0.1.0", {})
    evidence = validate(real, [Cohort.derive(real.schema, rows(6), label=label)])
    assert any("77 patients" in note for note in evidence.notes)


def test_a_hold_out_that_nothing_uses_is_said_to_be_unused(real, faithful):
    apart = Cohort.derive(real.schema, rows(99), label=None)
    assert any("hold-out" in note for note in validate(real, faithful, holdout=apart, purpose="augmentation").notes)


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_a_hold_out_of_patients_who_are_judged_against_is_refused_and_none_is_shown(real, faithful, share):
    apart = rows(99).iloc[: round(real.n * (1 - share))]
    mixed = pd.concat([apart, real.frame.iloc[: round(real.n * share)]]).sample(frac=1, random_state=1)
    with pytest.raises(RoleError, match="patients are among those judged against") as caught:
        validate(real, faithful, holdout=Cohort.derive(real.schema, mixed, label=None), purpose="data-sharing")
    assert not any(str(value) in str(caught.value) for value in real.frame["cost"].round(6))


def test_patients_who_are_alike_by_chance_are_not_taken_for_the_same(real):
    from heorsynth.evidence.preconditions import require_apart

    def few(seed):
        return Cohort.derive(real.schema, rows(seed)[["arm", "sex"]], label=None)

    require_apart(few(1), few(2))


def test_a_subgroup_finding_does_not_decide_an_economic_evaluation(real, faithful):
    evidence = validate(real, faithful)
    assert {finding.group for finding in evidence.decisive} == {"all", "arm=a", "arm=b", "arm=b vs a"}


def test_an_empty_cohort_is_refused_by_its_place(real, faithful):
    empty = Cohort.derive(real.schema, faithful[0].frame.iloc[:0], label=None)
    with pytest.raises(TooFewPatientsError, match="cohort 1: has no rows"):
        validate(real, [faithful[0], empty], "model-development")


def test_costs_that_are_all_zero_do_not_stop_the_subgroups():
    def with_levels(seed):
        return rows(seed).assign(sex=np.random.default_rng(seed).choice(["a", "b", "c", "d", "e"], 300))

    source = Cohort(with_levels(1), **ROLES)
    free = [Cohort.derive(source.schema, with_levels(10 + part).assign(cost=0.0), label=None) for part in range(3)]
    found = validate(source, free, "model-development").subgroups()
    costs = found[found["key"] == "costs.mean"]
    assert len(costs) >= 5 and np.isfinite(costs["pooled"]).all()
