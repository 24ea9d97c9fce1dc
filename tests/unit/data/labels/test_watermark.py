"""The mark in the rows: it is found again after what people do to files, and nothing that matters has moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import heorsynth as hs
from heorsynth.cli import cli
from heorsynth.core.errors import FileError
from heorsynth.core.random import stream
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.labels.watermark import OWNER, PUBLIC, PUBLIC_KEY, Grid, coins, release_key
from heorsynth.data.labels.watermark_detection import ALPHA, detect, tail_of_signs, tallies
from heorsynth.generators.sampling.watermarking import marked

KEY = b"an owner's key of some length"


def patients(n: int = 400, seed: int = 5) -> hs.Cohort:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "time": rng.exponential(900, n).round() + 1,
            "event": rng.integers(0, 2, n),
            "trt": np.array(["new", "usual"] * (n // 2)),
            "sex": rng.choice(["f", "m"], n),
            "age": rng.normal(61, 11, n).round(1),
            "bilirubin": rng.lognormal(0.6, 0.9, n).round(2),
            "drug": np.where(rng.random(n) < 0.3, 0.0, rng.gamma(2, 800, n).round(2)),
            "ward": rng.gamma(1.2, 2000, n).round(2),
            "visits": rng.poisson(40, n),
            "utility": np.where(rng.random(n) < 0.2, 1.0, 1 - rng.gamma(2, 0.12, n).round(3)),
        }
    )
    frame["cost"] = (frame["drug"] + frame["ward"]).round(2)
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="trt", costs=["cost"], utilities=["utility"],
        subgroups=["sex"], totals={"cost": ["drug", "ward"]}, name="made",
    )  # fmt: skip


@pytest.fixture(scope="module")
def cohort() -> hs.Cohort:
    return patients()


@pytest.fixture(scope="module")
def drawn(cohort: hs.Cohort) -> pd.DataFrame:
    """Rows as the law draws them, before any mark."""
    return hs.generators.create("marginals").fit(cohort, seed=1).maker.draw(400, stream(3, "rows"), {})


@pytest.fixture(scope="module")
def with_mark(cohort: hs.Cohort, drawn: pd.DataFrame) -> pd.DataFrame:
    return marked(drawn, Domain.of(cohort), stream(3, "mark"))[0]


def p_of(frame: pd.DataFrame) -> float:
    found = detect(tallies(frame), PUBLIC_KEY, PUBLIC).p
    return 1.0 if found is None else found


def test_rows_as_drawn_carry_no_mark_and_marked_ones_do(drawn: pd.DataFrame, with_mark: pd.DataFrame) -> None:
    assert p_of(drawn) > 1e-3
    assert p_of(with_mark) < 1e-8


@pytest.mark.parametrize(
    "treated",
    [
        lambda frame, rng: frame.sample(frac=1, random_state=1),
        lambda frame, rng: frame.sample(frac=0.5, random_state=1),
        lambda frame, rng: frame.drop(columns=["age", "drug", "utility", "cost"]),
        lambda frame, rng: frame.rename(columns=lambda name: name[::-1]),
        lambda frame, rng: frame.assign(drug=frame["drug"].round(0), ward=frame["ward"].round(0)),
        lambda frame, rng: frame.assign(**{name: frame[name] * 100 for name in ("drug", "ward", "age")}),
        lambda frame, rng: frame.assign(age=frame["age"] * 365.25, bilirubin=frame["bilirubin"] * 17.104),
        lambda frame, rng: pd.concat([frame, patients(seed=9).frame]),
        lambda frame, rng: frame.mask(
            (rng.random(frame.shape) < 0.05)
            & np.isin(frame.columns, ["age", "bilirubin", "drug", "ward"])
        ),
    ],
    ids=["shuffled", "half the rows", "columns dropped", "renamed", "rounded", "in cents", "other units",
         "mixed with real rows", "a twentieth of the values lost"],
)  # fmt: skip
def test_the_mark_survives(treated, with_mark: pd.DataFrame) -> None:
    assert p_of(treated(with_mark, np.random.default_rng(2))) <= ALPHA


def test_real_rows_and_other_keys_show_no_mark(cohort: hs.Cohort, with_mark: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    real = [p_of(cohort.frame.sample(frac=1, replace=True, random_state=seed)) for seed in range(30)]
    counted = tallies(with_mark)
    others = [detect(counted, rng.bytes(16), PUBLIC).p or 0.0 for _ in range(150)]
    assert min(real) > ALPHA and min(others) > ALPHA
    assert np.mean(np.array(others) <= 0.05) <= 0.11  # at most 0.05 by the test's law: 0.11 is 3 errors above


def test_no_margin_of_any_arm_has_moved(drawn: pd.DataFrame, with_mark: pd.DataFrame) -> None:
    changed = [name for name in drawn if not with_mark[name].equals(drawn[name])]
    assert changed == ["age", "bilirubin", "drug", "ward", "utility"]
    for name in changed:
        for _, rows in drawn.groupby("trt").groups.items():
            before, after = drawn.loc[rows, name], with_mark.loc[rows, name]
            assert after.sum() == pytest.approx(before.sum(), abs=1e-6)
            for share in (0.5, 0.95, 0.99):
                assert after.quantile(share) == pytest.approx(before.quantile(share), abs=1e-9)
        assert (with_mark[name] == 0).sum() == (drawn[name] == 0).sum()
        assert (with_mark[name] == 1).sum() == (drawn[name] == 1).sum()
        assert with_mark[name].min() >= drawn[name].min() and with_mark[name].max() <= drawn[name].max()


def test_decimals_and_heaps_stay(drawn: pd.DataFrame, cohort: hs.Cohort) -> None:
    heaped = drawn.assign(age=np.where(np.arange(len(drawn)) % 3 == 0, drawn["age"].round(-1), drawn["age"]))
    after = marked(heaped, Domain.of(cohort), stream(3, "mark"))[0]
    assert not after["age"].equals(heaped["age"])
    assert (after["age"] % 10 == 0).equals(heaped["age"] % 10 == 0)
    assert (after["age"] % 5 == 0).equals(heaped["age"] % 5 == 0)
    for name, decimals in (("age", 1), ("bilirubin", 2), ("drug", 2)):
        assert (after[name].round(decimals) == after[name]).all()


def test_the_total_is_that_of_the_marked_parts(cohort: hs.Cohort) -> None:
    frame = hs.generators.create("heor").fit(cohort, seed=1).sample(m=1, seed=2)[0].frame
    assert (frame["cost"] - frame["drug"] - frame["ward"]).abs().max() < 1e-6


def test_a_cohort_of_whole_numbers_and_levels_says_that_it_holds_no_mark(tmp_path: Path) -> None:
    frame = patients().frame[["time", "event", "trt", "sex", "visits"]]
    whole = hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="trt", subgroups=["sex"])
    syn = hs.generators.create("heor").fit(whole, seed=1).sample(m=1, seed=2)
    assert syn.label.watermark.startswith("none: ")
    hs.write(syn[0], tmp_path / "a.csv")
    labelled = hs.inspect(tmp_path / "a.csv")
    syn[0].frame.reset_index(drop=True).to_csv(tmp_path / "b.csv", index=False)
    stripped = hs.inspect(tmp_path / "b.csv")
    assert labelled.watermark_p is None and "whole numbers" in repr(labelled)
    assert stripped.watermark_p is None and stripped.synthetic is None and "This is not proof" in repr(stripped)


def test_a_copied_patient_is_not_marked_so_that_the_copy_shows(cohort: hs.Cohort) -> None:
    syn = hs.generators.create("bootstrap").fit(cohort, seed=1).sample(m=1, seed=2)
    real = set(map(tuple, cohort.frame.astype(str).to_numpy()))
    assert all(tuple(row) in real for row in syn[0].frame.astype(str).to_numpy())
    assert "copies" in syn.label.watermark


def test_anybody_finds_the_mark_in_a_stripped_file(cohort: hs.Cohort, tmp_path: Path) -> None:
    frame = hs.generators.create("heor").fit(cohort, seed=1).sample(m=1, seed=2)[0].frame
    frame.reset_index(drop=True).to_csv(tmp_path / "patients.csv", index=False)
    seen = hs.inspect(tmp_path / "patients.csv")
    assert seen.synthetic is True and seen.label is None and seen.watermark_p is not None
    assert seen.watermark_p <= ALPHA
    assert "synthetic by the mark in its rows, its label is lost" in repr(seen)


def test_an_owners_mark_is_found_with_the_key_and_stands_beside_the_public_one(cohort: hs.Cohort) -> None:
    syn = hs.generators.create("heor").fit(cohort, seed=1).sample(m=2, seed=2, watermark_key=KEY)
    counted = tallies(syn[1].frame)
    own = release_key(KEY, syn.label.release)
    assert detect(counted, own, OWNER).seen and detect(counted, PUBLIC_KEY, PUBLIC).seen
    assert not detect(counted, release_key(KEY, "00000000"), OWNER).seen
    assert not detect(counted, release_key(b"another key of some length", syn.label.release), OWNER).seen
    plain = hs.generators.create("heor").fit(cohort, seed=1).sample(m=1, seed=2)
    assert plain.label.release != syn.label.release and KEY.decode() not in repr(syn) + str(syn.label.to_dict())


def test_a_registry_knows_the_release_of_a_stripped_file_and_verify_asks_for_the_key(
    tmp_path: Path, short_notebook: Callable[[Path], str]
) -> None:
    (tmp_path / "owner.key").write_text("0123456789abcdef0123456789abcdef\n")
    (tmp_path / "short.key").write_text("short\n")
    patients().frame.to_csv(tmp_path / "made.csv", index=False)
    (tmp_path / "made.yaml").write_text(
        "heorsynth: 1\ntitle: Marked\npurpose: teaching\n"
        "cohort: {source: {file: made.csv}, endpoints: {os: [time, event]}, arm: trt}\n"
        "generator: {name: heor, n: same, m: 1, most_cohorts: 1, seed: 1}\n" + short_notebook(tmp_path)
    )
    key, registry = tmp_path / "owner.key", tmp_path / "releases.jsonl"
    with pytest.raises(FileError, match="fewer than 16 characters"):
        hs.run(tmp_path / "made.yaml", tmp_path / "runs", watermark_key=tmp_path / "short.key")
    run = hs.run(tmp_path / "made.yaml", tmp_path / "runs", registry=registry, watermark_key=key)
    run.synthetic[0].frame.sample(frac=1, random_state=1).to_csv(tmp_path / "stripped.csv", index=False)
    seen = hs.inspect(tmp_path / "stripped.csv", registry=registry, watermark_key=key)
    assert seen.known is not None and [one.run for one in seen.known.releases] == [run.path.name]
    assert seen.owner_p is not None and seen.owner_p <= ALPHA
    assert "0123456789abcdef" not in registry.read_text() + (run.path / "croissant.json").read_text()
    refused = hs.verify(run.path, source=tmp_path)
    told = " ".join(str(refused).split())
    assert "Same: not known" in told and "the rows follow public key and owner's key" in told
    said = CliRunner().invoke(cli, ["inspect", str(tmp_path / "stripped.csv"), "--watermark-key", str(key)])
    assert "watermark" in said.output
    again = hs.verify(run.path, source=tmp_path, watermark_key=key)
    assert again.verified and "Same: not known" not in str(again)


def test_a_value_moved_by_a_width_changes_its_bin_only() -> None:
    grid = Grid.near(0.21)[0]
    values = np.array([0.31, 1.07, -4.4])
    bins = grid.bins(values)
    step = 1 - 2 * (bins & 1)
    assert grid.width == 0.2
    assert (grid.bins(values + step * grid.width) == bins + step).all()
    assert ((bins + step) >> 1 == bins >> 1).all()


def test_coins_are_fair_and_each_key_has_its_own() -> None:
    pairs = np.arange(-5_000, 5_000)
    mine, other = coins(PUBLIC_KEY, 2, pairs), coins(KEY, 2, pairs)
    assert set(mine) == {-1, 1} and abs(mine.sum()) < 400 and abs((mine * other).sum()) < 400


def test_the_tail_of_signs_equals_the_count_of_all_signs() -> None:
    weights = np.array([3.0, -1.0, 2.0, 5.0, -4.0, 1.0, 2.5])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 7)).reshape(7, -1)
    expected = (signs.T @ np.abs(weights) >= weights.sum() - 1e-9).mean()
    assert tail_of_signs(weights) == pytest.approx(expected, abs=0.01)  # weights are rounded to 1/20,000 of their sum
    many = np.random.default_rng(1).normal(size=2_000)
    few = tail_of_signs(np.abs(many) * np.where(np.arange(2_000) % 20 < 11, 1, -1))
    more = tail_of_signs(np.concatenate([np.abs(many) * np.where(np.arange(2_000) % 20 < 11, 1, -1), [1e-12]]))
    assert few == pytest.approx(more, rel=0.1)  # weights in steps against the normal law: 6% apart in this tail
