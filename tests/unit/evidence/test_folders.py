"""Folders against folders: the same findings as rows in memory give, and nothing that needs rows passed over."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.checks.core.estimand import COUNTS, NEVER
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.core import errors
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.evidence.evidence import Evidence

FROM_TALLIES = {key for key, estimand in ESTIMANDS.items() if estimand.folders == COUNTS}
NOT_OF_FOLDERS = {key for key, estimand in ESTIMANDS.items() if estimand.folders == NEVER}

N = 1500
ROLES = {
    "endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": ["cost"],
    "utilities": ["qaly"], "subgroups": ["sex", "stage"], "unit": "year", "currency": "EUR", "price_year": 2024,
}  # fmt: skip
ECONOMICS = {"comparator": "usual", "wtp": [20000.0]}


def put(frame: pd.DataFrame, folder: Path, parts: int) -> Path:
    folder.mkdir()
    for part, rows in enumerate(np.array_split(np.arange(len(frame)), parts)):
        pq.write_table(pa.Table.from_pandas(frame.iloc[rows], preserve_index=False), folder / f"{part}.parquet")
    return folder


def patients(n: int, seed: int) -> pd.DataFrame:
    """A simulated trial with gaps in its costs and QALYs, and a second cause of the event."""
    frame = hs.datasets.simulated_trial(n, seed=seed)[0].frame.drop(columns=["drug", "hospital"])
    rng = np.random.default_rng(seed)
    frame.loc[rng.random(n) < 0.05, "cost"] = np.nan
    frame.loc[rng.random(n) < 0.1, "qaly"] = np.nan
    frame["event"] = np.where(rng.random(n) < 0.2, 2 * frame["event"], frame["event"])
    return frame


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evidence, Evidence]:
    """The evidence on two synthetic cohorts from rows, and from folders of three partitions and two."""
    place = tmp_path_factory.mktemp("judged")
    real = hs.Cohort(patients(N, 1), **ROLES)
    folder = CohortFolder(put(real.frame, place / "real", 3), **ROLES)
    sampler = hs.generators.create("heor").fit(real, seed=1)
    drawn = [sampler.write(place / f"syn{seed}", n=N, seed=seed, rows_per_partition=800) for seed in (1, 2)]
    held = [hs.Cohort(pd.concat([part.frame for part in one]), **ROLES) for one in drawn]
    asked = {"purpose": "economic-evaluation", "economics": ECONOMICS, "seed": 1}
    return hs.validate(real, held, **asked), hs.validate(folder, drawn, **asked)


def test_folders_get_the_findings_that_their_rows_get(both: tuple[Evidence, Evidence]) -> None:
    rows, folders = (
        {(one.key, one.estimand, one.group): one for one in evidence.findings if one.key in FROM_TALLIES}
        for evidence in both
    )
    assert len(rows) > 150
    assert rows.keys() - folders.keys() == set()
    assert folders.keys() - rows.keys() == set()
    for key, one in rows.items():
        other = folders[key]
        assert (other.verdict, other.decisive, other.n_real) == (one.verdict, one.decisive, one.n_real), key
        for name in ("real", "synthetic", "difference", "lower", "upper", "margin", "floor"):
            expected = getattr(one, name)
            assert getattr(other, name) == pytest.approx(expected, rel=1e-7, abs=1e-9, nan_ok=True), (key, name)


def test_folders_have_the_economic_numbers_of_their_rows(both: tuple[Evidence, Evidence]) -> None:
    rows, folders = (evidence.economics for evidence in both)
    assert [(one.rows, one.arm, one.threshold) for one in folders] == [
        ("patients", "new", 20_000.0), ("synthetic, pooled", "new", 20_000.0)
    ]  # fmt: skip
    for one, other in zip(rows, folders, strict=True):
        for name in ("incremental_cost", "incremental_effect", "icer", "inmb", "inmb_low", "probability", "evpi"):
            assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-7), name


@pytest.mark.parametrize("most_rows", [2_000, 1_000])
def test_adjusted_numbers_of_folders_need_all_their_rows(tmp_path: Path, most_rows: int) -> None:
    real = hs.Cohort(patients(N, 1), **ROLES)
    folder = CohortFolder(put(real.frame, tmp_path / "real", 2), **ROLES)
    drawn = hs.generators.create("bootstrap").fit(real, seed=1).write(tmp_path / "syn", n=N, seed=1)
    asked = {"economics": {**ECONOMICS, "adjust": ["age"]}, "margins": {"economics.inmb": {"relative": 0.4}}}
    found = hs.validate(folder, [drawn], "teaching", most_rows=most_rows, seed=1, **asked)
    assert bool(found.economics) == (most_rows > N)
    assert any("EVPI are not given" in note for note in found.notes) != bool(found.economics)
    for one in found.economics[:1]:
        alone = hs.evaluate(real, comparator="usual", adjust=["age"]).increments()
        assert (one.inmb, one.how) == (pytest.approx(alone.inmb(20_000.0).value, rel=1e-6), "adjusted for age")


def test_rows_that_break_a_rule_are_counted_in_folders_as_in_rows(both: tuple[Evidence, Evidence]) -> None:
    rows, folders = both
    assert folders.broken == rows.broken
    assert (folders.verdict, folders.n_rows, folders.n_source, folders.m) == (rows.verdict, N, N, 2)


def test_folders_small_enough_to_be_held_get_the_very_findings_of_their_rows(both: tuple[Evidence, Evidence]) -> None:
    keys = {"structure.marginals", "structure.association_max", "costs.wasserstein", "survival.extrapolation"}
    keys |= {"structure.propensity", "structure.joint_ranks", "survival.subdistribution_ratio", "costs.two_part"}
    rows, folders = (
        {(one.key, one.estimand, one.group): one for one in evidence.findings if one.key not in FROM_TALLIES}
        for evidence in both
    )
    assert {key for key, _, _ in rows} > keys
    assert {key: str(one) for key, one in folders.items()} == {key: str(one) for key, one in rows.items()}
    note = next(note for note in both[1].notes if note.startswith("Asked of all rows side by side"))
    assert all(key in note for key in keys)


def test_the_precision_that_folders_claim_is_that_which_their_rows_claim(both: tuple[Evidence, Evidence]) -> None:
    rows, folders = ({one.estimand: one for one in each.findings if one.key == "inference.precision"} for each in both)
    assert rows.keys() == folders.keys()
    assert len(rows) == 3
    for estimand, one in rows.items():
        for name in ("real", "synthetic", "difference", "lower", "upper"):
            assert getattr(folders[estimand], name) == pytest.approx(getattr(one, name), rel=1e-9, abs=1e-9)
        assert math.isnan(one.floor) and math.isnan(folders[estimand].floor), "a standard error has no error of its own"
        assert (folders[estimand].verdict, folders[estimand].because) == (one.verdict, one.because)


def test_what_only_all_rows_can_show_is_a_finding_that_is_not_estimable_and_a_note(tmp_path: Path) -> None:
    folder = CohortFolder(put(patients(600, 2), tmp_path / "real", 2), **ROLES)
    evidence = hs.validate(folder, [folder], purpose="data-sharing")
    unasked = {one.key: one for one in evidence.findings if one.key in NOT_OF_FOLDERS}
    assert set(unasked) > {"disclosure.copies", "disclosure.nearest"}
    assert {one.verdict for one in unasked.values()} == {"not estimable"}
    assert all("misses copies of patients who are not in it" in one.because for one in unasked.values())
    note = next(note for note in evidence.notes if note.startswith("Not asked of folders"))
    assert all(key in note for key in unasked)
    assert any(one.decisive for one in unasked.values())
    assert evidence.verdict == "inconclusive"


LOOSE = {
    "survival.km_gap": {"absolute": 0.49},
    "costs.mean": {"relative": 0.4},
    "subgroups.retention": {"absolute": 0.5},
}


def test_a_folder_can_be_fit_for_teaching_and_not_where_a_decisive_question_has_no_answer(tmp_path: Path) -> None:
    frame = patients(N, 3)
    real, same = (CohortFolder(put(frame, tmp_path / name, 2), **ROLES) for name in ("real", "same"))
    teaching = hs.validate(real, [same, same], purpose="teaching", margins=LOOSE)
    assert {one.verdict for one in teaching.decisive} == {"pass"}
    assert teaching.verdict == "fit"
    copied = hs.validate(
        real, [same] * 2, purpose="teaching", margins={**LOOSE, "disclosure.copies": {"absolute": 0.01}}
    )
    assert {one.key for one in copied.decisive if one.verdict != "pass"} == {"disclosure.copies"}
    assert copied.verdict == "inconclusive"
    testing = hs.validate(real, [same, same], purpose="software-testing")
    assert testing.verdict == "fit"
    assert hs.validate(real, [same], purpose="teaching").verdict == "inconclusive", "one folder is never enough"


def test_a_folder_that_lost_a_level_and_halved_its_costs_is_not_fit(tmp_path: Path) -> None:
    frame = patients(N, 4)
    real = CohortFolder(put(frame, tmp_path / "real", 2), **ROLES)
    worse = frame[frame["stage"] != "IV"].assign(cost=frame["cost"] / 2)
    bad = CohortFolder(put(worse, tmp_path / "bad", 4), **ROLES)
    evidence = hs.validate(real, [bad, bad], economics=ECONOMICS)
    failed = {one.key for one in evidence.findings if one.verdict == "fail"}
    assert {"subgroups.retention", "costs.mean", "subgroups.representation"} <= failed
    assert evidence.verdict == "not fit"


def test_folders_and_cohorts_in_memory_are_not_judged_beside_each_other(tmp_path: Path) -> None:
    frame = patients(400, 5)
    cohort, folder = hs.Cohort(frame, **ROLES), CohortFolder(put(frame, tmp_path / "real", 2), **ROLES)
    with pytest.raises(errors.RoleError, match="cohorts in memory beside a folder"):
        hs.validate(folder, [cohort])
    with pytest.raises(errors.RoleError, match="folders beside patients in memory"):
        hs.validate(cohort, [folder])
    with pytest.raises(errors.RoleError, match="other roles than the real one: unit"):
        hs.validate(folder, [CohortFolder(folder.path, **{**ROLES, "unit": "day"})])


def test_a_hold_out_beside_folders_is_said_to_be_unused(tmp_path: Path) -> None:
    frame = patients(600, 6)
    folder = CohortFolder(put(frame, tmp_path / "real", 2), **ROLES)
    aside = hs.Cohort(patients(100, 7), **ROLES)
    evidence = hs.validate(folder, [folder], purpose="data-sharing", holdout=aside)
    assert any(
        "hold-out of 100 patients was not used: checks that need one do not apply to folders" in note
        for note in evidence.notes
    )
    assert evidence.verdict != "fit"


def test_every_estimand_is_asked_of_counts_of_a_sample_or_of_both_or_its_reason_is_told() -> None:
    assert set(ESTIMANDS) > FROM_TALLIES | set(NOT_OF_FOLDERS)
    assert set(NOT_OF_FOLDERS) == {key for key in ESTIMANDS if key.startswith("disclosure.")}
    assert FROM_TALLIES.isdisjoint(NOT_OF_FOLDERS)


def test_an_adjusted_evaluation_of_folders_is_that_of_their_rows(tmp_path: Path) -> None:
    """Counts hold no covariates, so the sample answers; here it holds all rows."""
    frames = [patients(300, seed) for seed in (1, 2)]
    rows = [hs.Cohort(frame, **ROLES) for frame in frames]
    held = [CohortFolder(put(frame, tmp_path / str(part), 2), **ROLES) for part, frame in enumerate(frames)]
    asked = {"purpose": "software-testing", "margins": {"economics.inmb": {"relative": 0.1}},
             "economics": {**ECONOMICS, "adjust": ["age"]}, "seed": 1}  # fmt: skip
    found = [
        {one.group: one for one in hs.validate(kind[0], kind[1:], **asked).findings if one.key == "economics.inmb"}
        for kind in (rows, held)
    ]
    assert len(found[0]) > 3 and found[0].keys() == found[1].keys()
    for group, one in found[0].items():
        other = found[1][group]
        assert one.estimand == other.estimand == "INMB at 20,000 per QALY, adjusted for age"
        assert (other.real, other.synthetic) == pytest.approx((one.real, one.synthetic), rel=1e-9)
