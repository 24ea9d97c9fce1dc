"""Attacks as findings: copies are found, people never seen are the control, and a weak attack does not reassure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.finding import FAIL, INCONCLUSIVE, NOT_ESTIMABLE, PASS, Finding
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.plan import plan
from heorsynth.checks.planning.registry import scope_of
from heorsynth.checks.privacy import attempts
from heorsynth.checks.privacy.attempts import Attempt
from heorsynth.checks.privacy.coordinates import Space
from heorsynth.core.errors import MarginError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.packed import Packed
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.estimators.attacks.attack import Attack

SCHEMA = Schema({"os": Endpoint("os", "time", "event")}, costs=("cost",), subgroups=("sex",))
N = 30


def people(seed: int, n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "time": rng.uniform(1, 9, n), "event": rng.integers(0, 2, n), "sex": np.resize(["f", "m"], n),
        "age": rng.normal(60, 10, n), "score": rng.normal(0, 1, n), "cost": rng.gamma(2, 500, n),
    })  # fmt: skip


SOURCE, UNSEEN, OTHERS = people(1), people(2), people(3)


def cohort(frame: pd.DataFrame, schema: Schema = SCHEMA) -> Cohort:
    return Cohort.derive(schema, frame, label=None)


def attempt(
    key: str,
    rows: Sequence[pd.DataFrame],
    unseen: pd.DataFrame | None = UNSEEN,
    source: pd.DataFrame = SOURCE,
    schema: Schema = SCHEMA,
) -> Attempt:
    real, synthetic = cohort(source, schema), [cohort(one, schema) for one in rows]
    holdout = None if unseen is None else cohort(unseen, schema)
    margin = margin_for(f"disclosure.{key}", {"absolute": 0.05})
    (ask,) = scope_of(real, synthetic, {f"disclosure.{key}": margin}, np.random.default_rng(1)).asks()
    space = Space.of(real, synthetic, holdout)
    chance = np.random.default_rng(2)
    return Attempt(ask.estimand, margin, ask.scope, ask.group, space=space, unseen=holdout, chance=chance)


def made(key: str, *rows: pd.DataFrame, **given: object) -> list[Finding]:
    return ESTIMANDS[f"disclosure.{key}"].answer(attempt(key, rows, **given))  # type: ignore[arg-type]


def test_an_exposure_is_a_difference_of_two_rates_with_its_interval() -> None:
    found = attempt("nearest", [OTHERS]).exposure("label", Attack(0.62, 0.5, 0.02), column="cost")
    half = 1.6448536269514722 * 0.02
    assert (found.real, found.synthetic, found.difference) == (0.5, 0.62, pytest.approx(0.12))
    assert (found.lower, found.upper) == pytest.approx((0.12 - half, 0.12 + half))
    assert found.floor == pytest.approx(0.02 * math.sqrt(2 / math.pi))
    assert (found.verdict, found.question, found.column, found.decisive) == (FAIL, "private", "cost", True)


@pytest.mark.parametrize(
    ("success", "verdict"), [(0.1, PASS), (0.5, PASS), (0.52, INCONCLUSIVE), (0.58, INCONCLUSIVE), (0.6, FAIL)]
)
def test_patients_who_are_less_exposed_than_others_are_no_failure(success: float, verdict: str) -> None:
    assert attempt("nearest", [OTHERS]).exposure("label", Attack(success, 0.5, 0.02)).verdict == verdict


@pytest.mark.parametrize(("guessing", "weak"), [(0.14, True), (0.13, False), (math.nan, False)])
def test_an_attack_that_guessing_beats_does_not_reassure(guessing: float, weak: bool) -> None:
    """0.1 and 1.645 standard errors of 0.02 are 0.133."""
    found = attempt("attribute", [OTHERS]).exposure("label", Attack(0.1, 0.1, 0.02, guessing))
    assert ("guessing succeeds more often (0.14): too weak to show safety" in found.remark) is weak
    assert found.verdict == PASS


def test_an_attack_that_is_repeated_within_a_group_never_decides() -> None:
    plain = attempt("linkability", [OTHERS])
    repeated = replace(plain, repeated=True)
    assert plain.exposure("label", Attack(0.9, 0.1, 0.01)).decisive
    assert not repeated.exposure("label", Attack(0.9, 0.1, 0.01)).decisive
    assert [one.refuse("no", "label").decisive for one in (plain, repeated)] == [True, False]
    assert plain.refuse("no").estimand == ESTIMANDS["disclosure.linkability"].plain


def test_all_are_attacked_but_a_random_part_of_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = attempt("membership", [OTHERS, SOURCE]).parts()
    assert [len(part.points) for part in whole] == [2 * N, N, N]
    monkeypatch.setattr(attempts, "MOST_ROWS", 7)
    monkeypatch.setattr(attempts, "MOST_PEOPLE", 3)
    assert [len(part.codes) for part in attempt("membership", [OTHERS, SOURCE]).parts()] == [7, 3, 3]


def test_rows_equal_to_patients_are_counted_and_so_are_the_patients() -> None:
    """Ten of forty rows are patients; they are ten of the thirty patients."""
    rows, patients = made("copies", pd.concat([SOURCE[:10], OTHERS[:10]]), OTHERS[10:])
    assert (rows.estimand, rows.synthetic, rows.real) == ("rows equal to a patient", 10 / 40, 0.0)
    assert (patients.synthetic, patients.real, patients.verdict) == (pytest.approx(1 / 3), 0.0, FAIL)
    none, nobody = made("copies", OTHERS)
    assert (none.synthetic, nobody.synthetic, nobody.verdict) == (0.0, 0.0, PASS)


def test_a_person_never_seen_whom_a_row_equals_is_coincidence() -> None:
    rows, patients = made("copies", pd.concat([SOURCE[:10], UNSEEN[:10]]))
    assert (rows.difference, patients.difference) == (0.0, 0.0)
    assert rows.real == 0.5 and patients.real == pytest.approx(1 / 3)


@pytest.mark.parametrize("unseen", [None, UNSEEN[:4]])
def test_without_enough_people_never_seen_copies_alone_are_counted(unseen: pd.DataFrame | None) -> None:
    (found,) = made("copies", pd.concat([SOURCE[:10], UNSEEN[:10]]), unseen=unseen)
    assert (found.synthetic, found.real) == (0.5, 0.0)


def test_moving_a_patient_a_little_makes_no_other_one() -> None:
    """A row is a patient still within a twentieth of a standard deviation of every number."""
    spread = pd.concat([SOURCE, UNSEEN])["age"].std(ddof=0)
    near, far = (SOURCE.assign(age=SOURCE["age"] + part * spread) for part in (0.04, 0.06))
    (close,), (apart,) = made("near_copies", near), made("near_copies", far)
    assert (close.synthetic, close.real, close.verdict) == (1.0, 0.0, FAIL)
    assert apart.synthetic == 0.0
    assert made("copies", near)[0].synthetic == 0.0, "no row equals a patient"


def test_a_generator_that_saw_the_people_kept_aside_is_found_out() -> None:
    (seen,) = made("contamination", UNSEEN[:15], OTHERS[:15])
    assert (seen.synthetic, seen.real, seen.verdict) == (0.5, 0.0, FAIL)
    (clean,) = made("contamination", SOURCE)
    assert clean.synthetic == 0.0 and clean.verdict != FAIL


def test_copies_lie_nearer_to_patients_by_all_columns_and_by_covariates_alone() -> None:
    everything, known = made("nearest", SOURCE)
    assert (everything.synthetic, everything.real, known.synthetic) == (1.0, 0.5, 1.0)
    assert known.estimand == f"{everything.estimand}, by covariates alone"
    outcomes = SOURCE.assign(age=UNSEEN["age"], score=UNSEEN["score"], sex=UNSEEN["sex"])
    assert made("nearest", outcomes)[1].synthetic == 0.0, "by what an intruder knows they are people never seen"


def test_covariates_alone_are_asked_of_everyone_only_and_where_there_are_any() -> None:
    plain = attempt("nearest", [SOURCE])
    women = replace(plain.group, label="sex=f", kind="subgroup")
    assert len(attempts.nearest(replace(plain, group=women))) == 1
    bare = [frame[["time", "event", "cost"]] for frame in (SOURCE, UNSEEN)]
    schema = SCHEMA.with_roles(subgroups=())
    assert len(made("nearest", bare[0], unseen=bare[1], source=bare[0], schema=schema)) == 1


def test_who_took_part_is_told_from_copies_and_not_from_other_people() -> None:
    (copied,), (fresh,) = made("membership", SOURCE), made("membership", OTHERS)
    assert (copied.synthetic, copied.real, copied.verdict) == (1.0, 0.5, FAIL)
    assert fresh.difference == pytest.approx(0.0, abs=0.25), "the error of an AUC of 30 and 30 people is 0.075"


def test_every_secret_is_guessed_from_copies() -> None:
    found = {one.column: one for one in made("attribute", SOURCE)}
    assert set(found) == {"time", "cost"}
    assert all(one.synthetic == 1.0 and one.verdict == FAIL for one in found.values())
    assert found["cost"].estimand == "guessing cost from covariates"


def test_a_total_is_attacked_through_its_parts() -> None:
    schema = SCHEMA.with_roles(totals={"cost": ("drugs", "stay")})

    def parted(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(drugs=frame["cost"] / 4, stay=3 * frame["cost"] / 4)

    found = made("attribute", parted(SOURCE), unseen=parted(UNSEEN), source=parted(SOURCE), schema=schema)
    assert [one.column for one in found] == ["time", "drugs", "stay"]


def test_a_secret_that_few_know_or_nothing_tells_is_not_attacked() -> None:
    few = SOURCE.assign(cost=SOURCE["cost"].where(SOURCE.index < 4))
    found = made("attribute", SOURCE, source=few)
    assert [one.verdict == NOT_ESTIMABLE for one in found] == [False, True]
    assert found[1].because == "too few known values to guess from"
    schema = Schema({}, subgroups=("sex",))
    bare = [frame[["sex", "age"]] for frame in (SOURCE, UNSEEN)]
    (none,) = made("attribute", bare[0], unseen=bare[1], source=bare[0], schema=schema)
    assert none.because == "no time, cost or utility to guess"


def test_two_halves_of_a_record_are_joined_by_its_copy() -> None:
    (found,) = made("linkability", SOURCE)
    assert (found.synthetic, found.verdict) == (1.0, FAIL) and found.real < 0.5
    alone = [frame[["age"]] for frame in (SOURCE, UNSEEN)]
    (one,) = made("linkability", alone[0], unseen=alone[1], source=alone[0], schema=Schema({}))
    assert one.because == "one column cannot be split into two halves"


def test_a_description_of_a_copy_fits_one_person() -> None:
    (copied,), (fresh,) = made("singling_out", SOURCE), made("singling_out", UNSEEN)
    assert copied.synthetic == 1.0, "what fits one row fits the one patient whom it copies"
    assert fresh.real == 1.0, "and so for people never seen"
    assert copied.real < 0.7 and fresh.synthetic < 0.7


def linked(rows: Sequence[pd.DataFrame], names: Sequence[str] = ("age", "sex")) -> dict[str, Finding]:
    plain = attempt("linkage", rows)
    margin = margin_for("disclosure.linkage", {"absolute": 0.09, "quasi_identifiers": list(names)})
    return {one.column: one for one in ESTIMANDS["disclosure.linkage"].answer(replace(plain, margin=margin))}


def test_a_patient_linked_by_declared_columns_tells_every_other_column_where_rows_are_patients() -> None:
    found = linked([SOURCE, SOURCE])
    assert set(found) == {"time", "event", "score", "cost"}, "each column but the declared ones"
    assert all((one.synthetic, one.verdict) == (1.0, FAIL) for one in found.values())
    assert found["cost"].estimand == "guessing cost of a person linked by age, sex"
    assert all(one.verdict != FAIL for one in linked([OTHERS]).values())


def test_columns_that_many_share_link_to_many_and_the_most_frequent_level_is_guessed() -> None:
    """Two thirds of the women and none of the men have an event in the rows: women are guessed 1, and men 0."""
    rows = OTHERS.copy()
    rows["event"] = np.where((OTHERS["sex"] == "f") & (np.arange(N) % 6 != 0), 1, 0)
    found = linked([rows], ["sex"])["event"]
    of_sex = (SOURCE["event"] == (SOURCE["sex"] == "f").astype(int)).mean()
    assert found.synthetic == pytest.approx(of_sex)


def test_without_declared_columns_linkage_says_what_to_write() -> None:
    (one,) = made("linkage", OTHERS)
    assert one.verdict == NOT_ESTIMABLE and "quasi_identifiers: [age, sex]" in one.because


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (["agee"], "no column 'agee'.*\n.*did you mean 'age'"),
        (["pid"], "no column 'pid' that can be known"),
        ("age", "must be a list of columns"),
        ([], "must be a list of columns"),
    ],
)
def test_quasi_identifiers_that_name_no_column_are_refused(named: object, told: str) -> None:
    frame = SOURCE.assign(pid=[f"P{place}" for place in range(N)])
    real = cohort(frame, replace(SCHEMA, id="pid"))
    with pytest.raises(MarginError, match=told):
        plan(real, "teaching", {"disclosure.linkage": {"absolute": 0.09, "quasi_identifiers": named}})


def test_a_hold_out_too_small_for_a_false_positive_rate_says_how_many_people_it_needs() -> None:
    found = made("members_found", OTHERS)
    assert {one.verdict for one in found} == {NOT_ESTIMABLE}
    assert [one.because for one in found] == [
        f"a false-positive rate of {rate} needs {needed} people in the hold-out; there are {N}"
        for rate, needed in (("1.0%", 99), ("0.1%", 999))
    ]


def test_no_drawn_cohort_becomes_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more cohorts than stay unpacked each use makes the frame anew: a frame for each column took minutes."""
    real = hs.datasets.load("pbc")
    drawn = hs.generators.create("heor").fit(real, seed=1).sample(m=2, seed=1)
    monkeypatch.setattr(Packed, "frame", property(lambda _: pytest.fail("a frame was made")))
    parts = Space.of(real, drawn, None).parts(drawn, real, real)
    assert len(parts.rows.points) == 2 * real.n
