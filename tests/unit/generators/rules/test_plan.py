"""`heor` keeps every rule in every row, and what it keeps costs no fidelity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

import heorsynth as hs
from heorsynth.core.secret import ReleaseKey
from heorsynth.generators.heor.recipe import Heor
from heorsynth.generators.rules.drawn import GAP, RATIO, Bounded
from heorsynth.generators.sampling.sampler import Sampler
from tests.unit.data.rules.planted import PLANTED, planted

ENDS = {"os": ("time", "event")}


@pytest.fixture(scope="module")
def cohort() -> hs.Cohort:
    return planted(400, 1)


@pytest.fixture(scope="module")
def sampler(cohort: hs.Cohort) -> Sampler:
    return Heor().fit(cohort, seed=1)


def broken(cohort: hs.Cohort, synthetic: hs.Cohort) -> Mapping[str, int]:
    rules = cohort.rules()
    assert set(rules.texts) == PLANTED
    return rules.broken(synthetic.frame)


def test_no_row_breaks_a_rule_whole_or_in_part(cohort: hs.Cohort, sampler: Sampler) -> None:
    drawn = [
        *sampler.sample(m=3, seed=1),
        *sampler.sample(n=200, m=2, seed=2, where={"arm": "a"}),
    ]
    assert [broken(cohort, one) for one in drawn] == [{}] * 5
    assert all((one.frame.dtypes == cohort.frame.dtypes).all() for one in drawn)


def test_no_row_is_impossible_or_lacks_a_value(sampler: Sampler) -> None:
    assert sum(sampler.sample(m=3, seed=4).broken.values()) == 0


def test_columns_that_are_worked_out_have_the_distribution_of_the_patients(cohort: hs.Cohort, sampler: Sampler) -> None:
    rows = [one.frame for one in sampler.sample(m=5, seed=1)]
    for name in ("copy", "cost", "qaly", "date2", "ptime", "dose"):
        gaps = [ks_2samp(cohort.frame[name], frame[name]).statistic for frame in rows]
        assert np.mean(gaps) < 0.06, name  # two samples of 400 from one law differ by 0.06 on average
    for name in ("cost", "qaly"):
        own = cohort.frame.groupby("arm")[name].mean()
        drawn = np.mean([frame.groupby("arm")[name].mean() for frame in rows], axis=0)
        assert np.allclose(drawn, own, rtol=2e-3)


def test_sites_that_were_randomised_as_a_whole_have_one_arm_each(cohort: hs.Cohort, sampler: Sampler) -> None:
    frame = sampler.sample(m=1, seed=5)[0].frame
    assert frame.groupby("site")["arm"].nunique().eq(1).all() and frame["site"].nunique() == 8
    assert frame["arm"].value_counts().to_dict() == cohort.frame["arm"].value_counts().to_dict()


def test_a_saved_generator_draws_the_same_rows_and_keeps_the_rules(
    cohort: hs.Cohort, sampler: Sampler, tmp_path: Path
) -> None:
    loaded = hs.generators.load(sampler.save(tmp_path / "os.json"))
    one, other = loaded.sample(m=2, seed=3)[1], sampler.sample(m=2, seed=3)[1]
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert broken(cohort, one) == {}


def test_a_folder_of_rows_keeps_the_rules(cohort: hs.Cohort, sampler: Sampler, tmp_path: Path) -> None:
    folder = sampler.write(tmp_path / "rows", n=600, seed=1, rows_per_partition=250)
    assert all(broken(cohort, folder.part(place)) == {} for place in range(3))


def test_workers_draw_the_same_bytes(sampler: Sampler) -> None:
    with hs.open_engine("processes", 2) as engine:
        drawn = sampler.sample(m=2, seed=6, engine=engine)
    pd.testing.assert_frame_equal(drawn[1].frame, sampler.sample(m=2, seed=6)[1].frame)


@pytest.mark.parametrize("options", [{"calibrate": ["costs.mean by arm"]}, {"keep": ["age", "u0"]}, {"keep": "all"},
                                     {"min_patients": 20}])  # fmt: skip
def test_every_option_keeps_the_rules(cohort: hs.Cohort, options: dict[str, object]) -> None:
    synthetic = Heor(**options).fit(cohort, seed=1).sample(m=1, seed=1)[0]  # type: ignore[arg-type]
    assert broken(cohort, synthetic) == {}


def test_the_label_names_the_rules_and_a_finding_on_them_is_constructed(cohort: hs.Cohort, sampler: Sampler) -> None:
    synthetic = sampler.sample(m=3, seed=1)
    assert set(synthetic.label.settings["rules"]) == PLANTED  # type: ignore[arg-type]
    assert "rules that every row obeys" in synthetic.label.calibrated


@pytest.mark.parametrize(("form", "below"), [(RATIO, True), (GAP, True), (GAP, False)])
def test_a_bounded_column_is_decoded_to_what_it_was_and_never_leaves_its_bound(form: str, below: bool) -> None:
    rng = np.random.default_rng(1)
    bound = rng.integers(10, 90, 500).astype(float)
    away = np.floor(bound * rng.random(500))
    values, equal = (bound - away if below else bound + away), rng.random(500) < 0.3
    values[equal], values[0] = bound[equal], np.nan
    equal[0] = False
    law = Bounded("x", "b", form, below, positive=False)
    drawn = law.encoded(values, bound, equal)
    assert np.isnan(drawn[equal]).all()
    assert np.allclose(law.decoded(drawn, bound, equal, 0), values, equal_nan=True)
    moved = law.decoded(drawn, bound / 2 + 0.5, equal, 0)
    assert np.nanmax((moved - bound / 2 - 0.5) * (1 if below else -1)) <= 0


def test_a_struck_rule_is_not_kept_and_an_added_one_is() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(1, 90, 200)
    frame = pd.DataFrame({"time": x, "event": rng.integers(0, 2, 200), "y": x, "low": rng.integers(0, 50, 200)})
    frame["high"] = frame["low"] + rng.integers(1, 40, 200)
    held = hs.Cohort(frame, endpoints=ENDS, rules={"strike": ["y = time"], "add": ["low < high"]})
    drawn = Heor().fit(held, seed=1).sample(m=1, seed=1)[0].frame
    assert (drawn["low"] < drawn["high"]).all() and (drawn["y"] != drawn["time"]).any()


def test_the_law_of_a_cohort_without_rules_has_no_trace_of_them() -> None:
    frame = pd.DataFrame({"time": np.arange(80) * 7 % 81 + 1, "event": np.arange(80) % 2, "x": np.arange(80) * 31 % 83})
    sampler = Heor().fit(hs.Cohort(frame, endpoints=ENDS), seed=1)
    assert "plan" not in sampler.law.to_dict() and "rules" not in sampler.settings  # type: ignore[attr-defined]


def test_a_shared_release_learns_no_rule_about_fewer_patients_than_its_pieces() -> None:
    rng = np.random.default_rng(2)
    n = 400
    frame = pd.DataFrame({"time": rng.integers(1, 300, n), "event": rng.integers(0, 2, n)})
    frame["op"] = np.where(np.arange(n) < 14, "yes", "no")
    frame["stay"] = np.where(frame["op"] == "yes", rng.integers(1, 30, n), np.nan)
    held = hs.Cohort(frame, endpoints=ENDS)
    assert any("stay" in text for text in held.rules().texts)
    shared = Heor(release="shared", release_key=ReleaseKey(b"a custodian's secret, for tests only")).fit(held, seed=1)
    assert not any("stay" in text for text in shared.settings.get("rules", ()))  # type: ignore[attr-defined]
    assert not any("stay" in text for text in held.rules(min_patients=20).texts)


def test_a_subgroup_with_other_shares_keeps_the_rules() -> None:
    held = planted(300, 3)
    held = hs.Cohort(held.frame, endpoints={"os": ("futime", "death")}, subgroups=["age_group", "sex"], arm="arm")
    rules = held.rules()
    assert any(rule.kind == "band" for rule in rules)
    drawn = Heor().fit(held, seed=1).sample(m=2, seed=1, targets={"sex": {"f": 0.3, "m": 0.7}})
    assert [rules.broken(one.frame) for one in drawn] == [{}, {}]
    assert drawn[0].frame["age_group"].isin(["<40", "40-59", "60+"]).all()


def test_random_cohorts_keep_whatever_rules_they_have() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(80, 250))
        frame = pd.DataFrame({"time": rng.integers(1, 400, n), "event": rng.integers(0, 2, n)})
        for place in range(4):
            frame[f"x{place}"] = rng.integers(0, 300, n)
            frame[f"g{place}"] = rng.choice(list("abc"), n)
        frame["sum"] = frame["x0"] + frame["x1"]
        frame["up"] = frame["sum"] + np.where(rng.random(n) < 0.5, 0, rng.integers(0, 90, n))
        frame["gap"] = np.where(frame["g0"] == "a", np.nan, frame["x2"])
        frame["fate"] = np.where(frame["event"] == 0, "none", rng.choice(["home", "ward"], n))
        held = hs.Cohort(frame, endpoints=ENDS, subgroups=["g1"])
        rules = held.rules()
        assert len(rules) >= 4
        for one in Heor().fit(held, seed=seed).sample(m=2, seed=seed):
            assert rules.broken(one.frame) == {}
