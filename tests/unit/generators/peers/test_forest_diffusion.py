"""Forest Diffusion behind a seed: what the package is given and gives back, and what it may not leave behind."""

import sys

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.generators.peers import forest_diffusion as peer
from heorsynth.generators.sampling.formats import Format

SMALL = {"noise_levels": 10, "noise_draws": 10, "trees": 10, "depth": 4}


def trial(n: int = 200) -> "hs.Cohort":
    """A number that follows another, and is missing for late stages alone; twelve columns in all."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=n)
    frame = pd.DataFrame({
        "time": rng.exponential(np.exp(-x)) + 0.01, "event": rng.integers(0, 2, n), "x": x,
        "y": np.where((x > 0.5) & (rng.random(n) < 0.7), np.nan, x + rng.normal(0, 0.3, n)),
        "stage": np.where(x > 0.5, "late", "early"), "clinic": rng.choice(["k", "l", "m"], n),
    })  # fmt: skip
    frame = frame.assign(**{f"w{place}": rng.integers(0, 9, n) for place in range(6)})
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, subgroups=["stage"], unit="year")


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ForestDiffusion", None)
    with pytest.raises(GeneratorError, match=r"pip install 'heorsynth\[forest\]'"):
        hs.generators.create("forest_diffusion").fit(trial())


def test_the_description_names_the_extra() -> None:
    assert hs.generators.describe("forest_diffusion").endswith("Needs heorsynth[forest].")


@pytest.mark.parametrize("column", [
    pd.Series(["a", "c", None, "b"], dtype=object), pd.Series(["a", "c", "c", "b"], dtype=object),
    pd.Series([1.5, np.nan, 4.0, 2.0]), pd.Series([1.5, 3.0, 4.0, 2.0]), pd.Series([True, False, True, True]),
])  # fmt: skip
def test_what_is_coded_is_decoded(column: pd.Series) -> None:
    form = Format.of(column)
    coded = peer._coded(column, form)
    assert np.isfinite(coded).all()
    pd.testing.assert_series_equal(form.column(peer._decoded(coded, form)), column, check_names=False)


def test_a_drawn_level_is_the_largest_or_the_first_if_none_exceeds_a_half() -> None:
    form = Format.of(pd.Series(["a", "b", "c"], dtype=object))
    part = np.array([[0.4, 0.49], [0.6, 0.7], [0.9, 0.1]])
    assert peer._decoded(part, form).tolist() == ["a", "c", "b"]


@pytest.mark.parametrize("options", [{"noise_levels": 1}, {"noise_draws": 0}, {"trees": 1.5}, {"depth": "deep"}])
def test_settings_without_meaning_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(GeneratorError, match=next(iter(options))):
        hs.generators.create("forest_diffusion", **options)


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    pytest.importorskip("ForestDiffusion")
    return hs.generators.create("forest_diffusion", **SMALL).fit(trial(), seed=1).sample(m=1, seed=1)[0].frame


def test_relations_and_missing_values_are_learnt(drawn: pd.DataFrame) -> None:
    source = trial().frame
    assert drawn["x"].corr(drawn["y"], "spearman") > 0.6
    late = drawn.groupby("stage")["x"].mean()
    assert late["late"] - late["early"] > 0.7
    lost = drawn["y"].isna().groupby(drawn["stage"]).mean()
    assert lost["late"] > 0.3 and lost["early"] < 0.2
    assert set(drawn["clinic"]) == set(source["clinic"])


def test_numbers_end_at_those_of_the_patients_and_events_stay_codes(drawn: pd.DataFrame) -> None:
    source = trial().frame
    for name in ("time", "x", "w0"):
        assert drawn[name].between(source[name].min(), source[name].max()).all()
    assert set(drawn["event"]) <= {0, 1} and str(drawn["w0"].dtype) == "int64"


def test_the_fit_follows_its_seed_keeps_no_row_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ForestDiffusion")
    recipe = hs.generators.create("forest_diffusion", noise_levels=3, noise_draws=2, trees=2, depth=2)
    one, other = (recipe.fit(trial(), seed=seed) for seed in (1, 2))
    assert not one.sample(m=1, seed=1)[0].frame.equals(other.sample(m=1, seed=1)[0].frame)
    assert one.law.model.X1 is None
    assert capfd.readouterr() == ("", "")


def test_numpys_state_is_restored_when_the_work_inside_fails() -> None:
    pytest.importorskip("ForestDiffusion")
    before = np.random.get_state()[1].tolist()
    with pytest.raises(KeyboardInterrupt), peer._seeded(3):
        np.random.random(5)
        raise KeyboardInterrupt
    assert np.random.get_state()[1].tolist() == before
