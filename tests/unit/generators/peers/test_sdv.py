"""SDV's synthesizers behind a seed: the roles we declare are the roles SDV is given, and nothing global moves."""

import contextlib
import io
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.generators.peers import sdv
from heorsynth.generators.sampling.formats import Format

NETWORKS = ("ctgan", "tvae", "copula_gan")


def competing() -> "hs.Cohort":
    """Two hundred patients with codes that are numbers: two causes, three arms, three clinics, a count."""
    rng = np.random.default_rng(4)
    n = 200
    frame = pd.DataFrame({
        "time": np.round(rng.exponential(100, n) + 1, 1), "event": rng.choice([0, 1, 2], n, p=[0.6, 0.3, 0.1]),
        "arm": rng.permutation(np.resize([1, 2, 3], n)), "clinic": np.resize([10, 20, 30], n),
        "visits": rng.integers(0, 40, n),
    })  # fmt: skip
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="arm", arm_reference="1", subgroups=["clinic"], unit="day"
    )


def kinds(cohort: "hs.Cohort") -> dict[str, str]:
    sampler = hs.generators.create("gaussian_copula").fit(cohort, seed=1)
    columns = sampler.law.synthesizer.metadata.to_dict()["tables"]["table"]["columns"]
    return {name: column["sdtype"] for name, column in columns.items()}


def test_events_arms_and_subgroups_are_levels_though_they_be_numbers() -> None:
    assert kinds(competing()) == {
        "time": "numerical", "event": "categorical", "arm": "categorical", "clinic": "categorical",
        "visits": "numerical",
    }  # fmt: skip


def test_the_copula_keeps_how_often_each_cause_ended_follow_up() -> None:
    drawn = hs.generators.create("gaussian_copula").fit(competing(), seed=1).sample(n=2000, m=1, seed=1)[0].frame
    real, synthetic = (frame["event"].value_counts(normalize=True) for frame in (competing().frame, drawn))
    # four standard errors of a share of 2,000 rows are at most 0.045
    assert (real - synthetic).abs().max() < 0.045


def test_ids_and_bands_are_never_given_to_sdv() -> None:
    assert "age_group" not in kinds(hs.datasets.load("pbc"))
    frame = competing().frame.assign(patient=[f"P{i}" for i in range(200)])
    schema = competing().schema.with_roles(id="patient")
    assert "patient" not in kinds(hs.Cohort.derive(schema, frame, label=None))


@pytest.mark.parametrize("name", ["ctgan", pytest.param("copula_gan", marks=pytest.mark.long)])
def test_the_number_of_threads_does_not_change_the_rows(name: str) -> None:
    found, threads = [], torch.get_num_threads()
    try:
        for count in (1, 4):
            torch.set_num_threads(count)
            fitted = hs.generators.create(name, epochs=3).fit(hs.datasets.load("pbc"), seed=1)
            found.append(fitted.sample(n=50, m=1, seed=1)[0].frame)
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    pd.testing.assert_frame_equal(*found)


def test_seeding_leaves_the_generators_of_accelerators_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    reseeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", reseeded.append)
    monkeypatch.setattr(torch.cuda, "manual_seed", reseeded.append)
    with sdv._seeded(7):
        first = torch.rand(3)
    with sdv._seeded(7):
        assert torch.equal(first, torch.rand(3))
    assert reseeded == []


def test_states_are_restored_when_the_work_inside_fails() -> None:
    numpy, network, threads = np.random.get_state()[1].tolist(), torch.get_rng_state(), torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt), sdv._seeded(3):
        np.random.random(5)
        torch.rand(5)
        raise KeyboardInterrupt
    assert np.random.get_state()[1].tolist() == numpy
    assert torch.equal(torch.get_rng_state(), network)
    assert torch.get_num_threads() == threads


def test_only_warnings_of_sdv_and_what_it_rests_on_are_silenced() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warn_of_each()
    assert [str(item.message) for item in seen] == ["ours", "a stranger's"]


def warn_of_each() -> None:
    with sdv._seeded(1):
        warnings.warn_explicit("fits poorly", RuntimeWarning, "x.py", 1, module="scipy.stats")
        warnings.warn_explicit("a mixture", UserWarning, "x.py", 1, module="sklearn.mixture._base")
        warnings.warn_explicit("ours", RuntimeWarning, "x.py", 1, module="heorsynth.generators.peers.sdv")
        warnings.warn_explicit("a stranger's", UserWarning, "x.py", 1, module="sdvantage")


@pytest.mark.parametrize("name", ["gaussian_copula", *NETWORKS])
def test_fitting_and_drawing_print_nothing(name: str) -> None:
    options = {"epochs": 1} if name in NETWORKS else {}
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        hs.generators.create(name, **options).fit(competing(), seed=1).sample(n=20, m=1, seed=1)
    assert (out.getvalue(), err.getvalue()) == ("", "")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("options", [{"epochs": 0}, {"epochs": -1}, {"epochs": 2.5}, {"epochs": "many"},
                                     {"epochs": True}, {"batch_size": 0}])  # fmt: skip
def test_a_setting_no_training_can_have_is_refused_before_any_data_is_seen(name: str, options: dict) -> None:
    with pytest.raises(GeneratorError, match=next(iter(options))):
        hs.generators.create(name, **options)


@pytest.mark.parametrize("name", ["ctgan", "copula_gan"])
def test_batches_that_ctgan_would_stumble_over_are_refused(name: str) -> None:
    with pytest.raises(GeneratorError, match="multiple of 10"):
        hs.generators.create(name, batch_size=12)
    assert hs.generators.create("tvae", batch_size=12).batch_size == 12


def test_a_distribution_sdv_does_not_know_is_refused() -> None:
    with pytest.raises(GeneratorError, match="default_distribution"):
        hs.generators.create("gaussian_copula", default_distribution="cauchyish").fit(competing(), seed=1)


def test_a_column_of_codes_is_written_back_as_the_numbers_it_held() -> None:
    form = Format.of(pd.Series([0, 2, 1, 2]), levels=True)
    written = form.column(np.array(["2", "0", "1"], dtype=object))
    assert (written.tolist(), str(written.dtype)) == ([2, 0, 1], "int64")


def test_networks_are_computed_on_one_thread_whatever_was_set() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with sdv._seeded(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("name", ["gaussian_copula", *NETWORKS])
def test_which_numbers_are_missing_is_drawn_anew_for_each_cohort(name: str) -> None:
    visits = competing().frame["visits"].where(np.arange(200) % 5 > 1)
    source = hs.Cohort.derive(competing().schema, competing().frame.assign(visits=visits), label=None)
    options = {"epochs": 1} if name in NETWORKS else {}
    drawn = hs.generators.create(name, **options).fit(source, seed=1).sample(n=100, m=2, seed=1)
    first, second = (part.frame["visits"].isna().to_numpy() for part in drawn)
    assert (first != second).any()
    # 40 of 100 expected; four standard errors are 20
    assert all(20 <= missing.sum() <= 60 for missing in (first, second))
