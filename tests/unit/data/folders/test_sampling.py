"""A random sample of folders: every row as likely as any other, the same on any engine, and said to be a sample."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.checks.core.estimand import COUNTS
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.core import errors
from heorsynth.core.random import stream
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.sampling import rows_to_take, sampled
from heorsynth.engine.engine import Engine, open_engine
from heorsynth.estimators.association import rank_correlation
from heorsynth.evidence.evidence import Evidence

FROM_TALLIES = {key for key, estimand in ESTIMANDS.items() if estimand.folders == COUNTS}

SIZES = (300, 700, 2000)
MOST = 1000
ROLES = {
    "endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": ["cost"],
    "utilities": ["qaly"], "subgroups": ["sex", "stage"], "id": "row", "unit": "year", "currency": "EUR",
    "price_year": 2024,
}  # fmt: skip
ASKED = {
    "structure.marginals": {"absolute": 0.1},
    "structure.joint_ranks": {"absolute": 0.1},
    "structure.association_max": {"absolute": 0.3},
    "inference.precision": {"ratio": [0.9, 1.1111]},
}


def put(frame: pd.DataFrame, folder: Path, sizes: tuple[int, ...] = SIZES) -> Path:
    folder.mkdir()
    for part, rows in enumerate(np.split(np.arange(len(frame)), np.cumsum(sizes)[:-1])):
        pq.write_table(pa.Table.from_pandas(frame.iloc[rows], preserve_index=False), folder / f"{part}.parquet")
    return folder


def patients(seed: int, n: int = sum(SIZES)) -> pd.DataFrame:
    """A simulated trial in the order of its costs, so that partitions are unlike each other; `row` numbers patients."""
    frame = hs.datasets.simulated_trial(n, seed=seed)[0].frame.drop(columns=["drug", "hospital"])
    return frame.sort_values("cost", ignore_index=True).assign(row=np.arange(n))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> CohortFolder:
    return CohortFolder(put(patients(1), tmp_path_factory.mktemp("sampled") / "real"), **ROLES)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[CohortFolder]:
    place = tmp_path_factory.mktemp("drawn")
    return [CohortFolder(put(patients(seed), place / f"{seed}"), **ROLES) for seed in (2, 3)]


@pytest.fixture(scope="module")
def evidence(real: CohortFolder, drawn: list[CohortFolder]) -> Evidence:
    return hs.validate(real, drawn, purpose="teaching", margins=ASKED, most_rows=MOST)


def rows_of(folder: CohortFolder, most: int, seed: int, engine: Engine) -> np.ndarray:
    return sampled(folder, most, stream(seed, "test"), engine).column("row").astype(int)


def test_every_row_of_unequal_parts_is_drawn_equally_often_and_parts_get_hypergeometric_counts() -> None:
    held, wanted, times = (5, 35, 60), 20, 4000
    rng, found, counts = np.random.default_rng(1), np.zeros(sum(held)), np.zeros((times, 3))
    for draw in range(times):
        parts = rows_to_take(held, wanted, rng)
        counts[draw] = [len(rows) for rows in parts]
        found[np.concatenate([rows + first for rows, first in zip(parts, (0, 5, 40), strict=True)])] += 1
    assert (counts.sum(axis=1) == wanted).all()
    share = wanted / sum(held)
    assert np.abs(found / times - share).max() < 4 * np.sqrt(share * (1 - share) / times)
    part = np.array(held) / sum(held)
    expected = wanted * part * (1 - part) * (sum(held) - wanted) / (sum(held) - 1)
    assert counts.var(axis=0) == pytest.approx(expected, rel=0.1)  # 4 standard errors of a variance of 4,000 draws


def test_parts_without_rows_and_samples_of_everything_are_drawn_too() -> None:
    parts = rows_to_take((0, 3, 0, 2), 5, np.random.default_rng(1))
    assert [rows.tolist() for rows in parts] == [[], [0, 1, 2], [], [0, 1]]
    assert sum(map(len, rows_to_take((0, 3, 0, 2), 1, np.random.default_rng(1)))) == 1


def test_a_sample_is_without_replacement_in_the_order_of_the_folder_and_another_with_another_seed(
    real: CohortFolder,
) -> None:
    with open_engine() as local:
        one, again, other = (rows_of(real, MOST, seed, local) for seed in (1, 1, 2))
        everything = rows_of(real, 10_000, 1, local)
    assert (np.diff(one) > 0).all()
    assert len(one) == MOST
    assert one.tolist() == again.tolist() != other.tolist()
    assert everything.tolist() == list(range(real.n))


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_sample_and_its_findings_are_the_same_on_every_engine(
    every: bool, real: CohortFolder, drawn: list[CohortFolder], engines: Callable[[str], Engine]
) -> None:
    found = {}
    with open_engine("processes", 1) as one:
        more = (one, engines("dask")) if every else ()
        for place in (engines("local"), engines("processes"), *more):
            asked = {"purpose": "teaching", "margins": ASKED, "most_rows": MOST, "engine": place}
            text = hs.validate(real, drawn, **asked).to_frame().to_csv()
            rows = rows_of(real, MOST, 1, place)
            found[f"{place.spec} {place.workers}"] = hashlib.sha256(text.encode()).hexdigest(), rows.tolist()
    assert len(found) == (4 if every else 2)
    assert all(result == found["local 1"] for result in found.values())


def test_the_mean_of_many_samples_is_that_of_all_rows_though_partitions_are_unlike(real: CohortFolder) -> None:
    whole = hs.Cohort(pd.concat([part.frame for part in real], ignore_index=True), **ROLES)
    truth = np.array([whole.column("cost").mean(), rank_correlation(whole.column("cost"), whole.column("age")).value])
    parts = [part.column("cost").mean() for part in real]
    assert parts[0] < 0.2 * truth[0] < 0.5 * parts[2]
    with open_engine() as local:
        samples = [sampled(real, MOST, stream(seed, "test"), local) for seed in range(60)]
    found = np.array([
        [one.column("cost").mean(), rank_correlation(one.column("cost"), one.column("age")).value] for one in samples
    ])  # fmt: skip
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - truth) < 3.5 * error).all()
    assert (np.abs(found[:, 1] - truth[1]) < 0.12).all()  # four standard errors of a correlation in 1,000 rows


def test_a_finding_says_how_many_rows_it_rests_on_and_a_note_says_which_do(evidence: Evidence) -> None:
    sampled_ones = [one for one in evidence.findings if one.key.startswith("structure") and one.key not in FROM_TALLIES]
    assert {one.key for one in sampled_ones} > {"structure.marginals", "structure.joint_ranks"}
    told = "from a random sample, 1,000 of 3,000 patients and 2,000 of 6,000 synthetic rows; "
    assert all(one.because.startswith(told) and "the 90% interval" in one.because for one in sampled_ones)
    assert {one.n_real for one in sampled_ones if one.group == "all"} == {MOST}
    counted = [one for one in evidence.findings if one.key in FROM_TALLIES]
    assert {one.n_real for one in counted if one.group == "all"} == {3000}
    assert not any("sample" in one.because for one in counted)
    note = next(note for note in evidence.notes if note.startswith("Asked of a random sample"))
    assert "structure.marginals" in note and "survival.km_gap" not in note
    assert "The intervals are those of the sample" in note


def test_patients_and_each_synthetic_folder_are_sampled_by_their_own_chance(real: CohortFolder) -> None:
    evidence = hs.validate(real, [real, real], purpose="teaching", margins=ASKED, most_rows=MOST)
    ranks = [one for one in evidence.findings if one.key == "structure.joint_ranks"]
    assert all(one.difference != 0 for one in ranks)
    whole = hs.validate(real, [real, real], purpose="teaching", margins=ASKED)
    assert all(one.difference == 0 for one in whole.findings if one.key == "structure.joint_ranks")


def test_precision_is_of_all_rows_and_does_not_depend_on_the_sample(
    real: CohortFolder, drawn: list[CohortFolder]
) -> None:
    asked = {"purpose": "software-testing", "margins": {"inference.precision": ASKED["inference.precision"]}}
    both = [hs.validate(real, drawn, **asked, most_rows=most) for most in (MOST, 3000)]
    some, every = ([one.to_dict() for one in each.findings if one.key == "inference.precision"] for each in both)
    assert len(some) == 3 and some == every
    assert {one["n_real"] for one in some} == {3000}


def test_rows_that_rest_on_a_sample_of_the_patients_may_claim_what_it_can_say(
    real: CohortFolder, tmp_path: Path
) -> None:
    sampler = hs.generators.create("heor", most_rows=1000).fit(real, seed=1)
    assert sampler.sample(m=1, seed=1)[0].label.rests_on < 1100
    found = {}
    for n in (750, 3000):
        written = [sampler.write(tmp_path / f"{n}-{seed}", n=n, seed=seed) for seed in (1, 2, 3)]
        asked = {"inference.precision": ASKED["inference.precision"]}
        findings = hs.validate(real, written, purpose="software-testing", margins=asked).findings
        found[n] = [one for one in findings if one.key == "inference.precision"]
    assert {one.verdict for one in found[750]} == {"pass"}
    assert {one.verdict for one in found[3000]} == {"fail"}
    for one in found[3000]:
        assert one.synthetic / one.real == pytest.approx(np.sqrt(1000 / 3000), rel=0.1)  # shapes of so many patients
        assert "of the patients used for training allow" in one.because


def test_a_level_that_no_patient_of_the_sample_has_is_named(tmp_path: Path) -> None:
    frame = patients(4)
    frame.loc[[0, 1], "stage"] = "V"
    folder = CohortFolder(put(frame, tmp_path / "real"), **ROLES)
    for seed in range(1, 6):
        found = hs.validate(folder, [folder], purpose="teaching", margins=ASKED, most_rows=MOST, seed=seed)
        groups = {one.group for one in found.findings if one.key == "structure.joint_ranks"}
        told = [note for note in found.notes if note.startswith("No patient of the sample has stage=rare level 1:")]
        assert ("stage=rare level 1" in groups) == (not told)
        if told:
            break
    assert told


def test_nothing_that_leaves_knows_a_patient_of_the_sample(tmp_path: Path) -> None:
    frame = patients(5)
    frame["ward"] = np.where(np.arange(len(frame)) % 500 == 0, "Canary-Ada-7319", "general")
    frame.loc[::500, ["cost", "time", "age"]] = 98765.4321, 3987.6543, 101.2347
    folder = CohortFolder(put(frame, tmp_path / "real"), **ROLES)
    evidence = hs.validate(folder, [folder], purpose="model-development", most_rows=MOST)
    assert any("ward" in one.estimand for one in evidence.findings)
    facts = [str(one.to_dict()) for one in evidence.findings]
    said = "\n".join([repr(evidence), evidence._repr_html_(), *evidence.notes, *facts])
    assert not any(text in said for text in ("Canary", "98765", "98,765", "3987.", "3,987", "101.23"))


@pytest.mark.parametrize("most_rows", [999, 0, -1, 2000.0, "2000", True, None])
def test_a_sample_too_small_or_of_no_number_of_rows_is_refused(real: CohortFolder, most_rows: object) -> None:
    with pytest.raises(errors.RoleError) as refused:
        hs.validate(real, [real], purpose="teaching", most_rows=most_rows)
    problem = refused.value.problems[0]
    assert (problem.where, problem.fix) == ("most_rows", "a whole number, 1000 or more")
