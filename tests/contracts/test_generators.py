"""What every generator in the registry promises, whoever wrote it."""

import dataclasses
import json
import random
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.engine.task import Mapped
from heorsynth.generators.sampling.cohorts import MoreRowsThanPatients
from heorsynth.generators.sampling.sampler import Sampler

FEW_EPOCHS = {
    "ctgan": {"epochs": 2}, "tvae": {"epochs": 2}, "copula_gan": {"epochs": 2},
    "forest_diffusion": {"noise_levels": 5, "noise_draws": 3, "trees": 3, "depth": 3},
}  # fmt: skip
EXTRA = {"forest_diffusion": "ForestDiffusion"}
"""Generator to the package that its extra installs; `make test` installs all of them."""
CANARY = 8731.4177
UNBOUNDED = {
    "age: outside the source's range", "cost: negative cost", "time: not positive", "time: outside the source's range",
}  # fmt: skip
NAMES = hs.generators.names()
by_name = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def installed(request: pytest.FixtureRequest) -> None:
    """Skips a generator whose extra is not installed."""
    callspec = getattr(request.node, "callspec", None)
    name = callspec.params.get("name") if callspec else None
    if name in EXTRA:
        pytest.importorskip(EXTRA[name])


def create(name: str):
    return hs.generators.create(name, **FEW_EPOCHS.get(name, {}))


@cache
def cohort() -> "hs.Cohort":
    """A cohort with text, whole numbers, decimals, truth values, missing values, an id and a canary patient."""
    rng = np.random.default_rng(11)
    n = 160
    frame = pd.DataFrame({
        "patient": [f"P-{i}-secret" for i in range(n)],
        "time": np.round(rng.exponential(300, n) + 1, 1),
        "event": rng.integers(0, 2, n),
        "arm": rng.permutation(np.tile([1, 2], n // 2)),
        "sex": rng.choice(["f", "m"], n, p=[0.75, 0.25]),
        "age": rng.integers(30, 90, n),
        "marker": np.where(rng.random(n) < 0.2, np.nan, np.round(rng.lognormal(0, 1, n), 3)),
        "smoker": rng.random(n) < 0.4,
        "cost": np.where(rng.random(n) < 0.3, 0.0, np.round(rng.lognormal(7, 1, n), 2)),
    })  # fmt: skip
    frame.loc[5, "marker"] = CANARY
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="arm", subgroups=["sex"], costs=["cost"], id="patient"
    )


@cache
def fitted(name: str, seed: int = 1) -> Sampler:
    return create(name).fit(cohort(), seed=seed)


def rows(sampler: Sampler, **asked: object) -> pd.DataFrame:
    return sampler.sample(**{"n": 80, "m": 1, "seed": 1, **asked})[0].frame.reset_index(drop=True)


@by_name
def test_one_seed_gives_one_result_and_another_seed_another(name: str) -> None:
    pd.testing.assert_frame_equal(rows(fitted(name)), rows(create(name).fit(cohort(), seed=1)))
    assert not rows(fitted(name)).equals(rows(fitted(name), seed=2))


@by_name
def test_drawing_does_not_depend_on_earlier_draws_and_cohorts_of_one_draw_differ(name: str) -> None:
    first = rows(fitted(name))
    both = fitted(name).sample(n=80, m=2, seed=1)
    pd.testing.assert_frame_equal(first, rows(fitted(name)))
    pd.testing.assert_frame_equal(first, both[0].frame.reset_index(drop=True))
    assert not both[1].frame.reset_index(drop=True).equals(first)


@by_name
def test_a_worker_that_maps_the_sampler_from_a_file_draws_the_same_rows(name: str, tmp_path: Path) -> None:
    mapped = Mapped.written(fitted(name), tmp_path / "sampler").read()
    assert mapped is not fitted(name)
    pd.testing.assert_frame_equal(rows(mapped), rows(fitted(name)))


@cache
def drawn_rows() -> "hs.Cohort":
    return hs.generators.create("bootstrap").fit(cohort(), seed=1).sample(m=1, seed=1)[0]


@by_name
def test_rows_that_are_themselves_synthetic_are_no_source_unless_that_is_said(name: str) -> None:
    with pytest.raises(errors.LabelError, match="allow_synthetic_source=True"):
        create(name).fit(drawn_rows())
    again = create(name).fit(drawn_rows(), seed=1, allow_synthetic_source=True).sample(n=80, m=1, seed=1)
    assert again.label.depth == 2


@by_name
def test_patients_with_synthetic_rows_beside_them_are_no_source_either(name: str) -> None:
    with pytest.warns(MoreRowsThanPatients):
        together = hs.augment(cohort(), 20, generator=hs.generators.create("bootstrap"), m=1, seed=1)[0]
    with pytest.raises(errors.LabelError, match="beside patients"):
        create(name).fit(together)


@by_name
def test_more_rows_than_patients_are_drawn_with_a_warning_and_as_many_without(name: str) -> None:
    with pytest.warns(MoreRowsThanPatients, match="161 rows rest on 160 patients"):
        fitted(name).sample(n=161, m=1, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(name).sample(n=160, m=1, seed=1)


@pytest.mark.parametrize("name", ["ctgan", "tvae", "copula_gan"])
def test_the_fit_of_a_network_follows_its_seed(name: str) -> None:
    assert not rows(fitted(name)).equals(rows(fitted(name, seed=2)))


@by_name
def test_global_random_states_and_the_cohort_are_left_as_found(name: str) -> None:
    before = cohort().frame

    def states() -> list[object]:
        return [random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()]

    found = states()
    rows(create(name).fit(cohort(), seed=3))
    assert states() == found
    pd.testing.assert_frame_equal(cohort().frame, before)


@by_name
def test_columns_types_and_coding_are_those_of_the_source(name: str) -> None:
    drawn, source = rows(fitted(name)), cohort().frame.drop(columns="patient")
    assert list(drawn.columns) == list(source.columns)
    assert drawn.dtypes.to_dict() == source.dtypes.to_dict()
    assert set(drawn["event"]) <= {0, 1}
    assert set(drawn["sex"]) <= {"f", "m"}
    broken = set(fitted(name).sample(n=80, m=2, seed=1).broken)
    # a forest's normal laws have no bounds: what they break is counted, not repaired
    assert broken == (UNBOUNDED if name == "arf" else set())


@by_name
def test_rows_are_labelled_and_named_once(name: str) -> None:
    drawn = fitted(name).sample(n=50, m=3, seed=1)
    ids = pd.concat([part.frame for part in drawn]).index
    assert ids.is_unique
    assert ids.name == "synthetic_id"
    for part, one in enumerate(drawn):
        assert one.synthetic is True
        assert one.label is not None
        assert (one.label.generator, one.label.n_source, one.label.n_rows, one.label.part) == (name, 160, 50, part)
        assert one.frame.attrs["heorsynth"]["synthetic"] is True


@by_name
def test_where_gives_exactly_so_many_rows_of_that_level(name: str) -> None:
    drawn = rows(fitted(name), n=37, where={"sex": "m"})
    assert len(drawn) == 37
    assert set(drawn["sex"]) == {"m"}


@by_name
def test_targets_are_met_to_rounding(name: str) -> None:
    drawn = rows(fitted(name), n=60, targets={"sex": {"f": 0.5, "m": 0.5}})
    assert drawn["sex"].value_counts().to_dict() == {"f": 30, "m": 30}


@by_name
@pytest.mark.parametrize("asked", [{"n": 0}, {"n": 1}, {"m": 0}])
def test_too_few_rows_are_refused(name: str, asked: dict[str, int]) -> None:
    with pytest.raises(errors.TooFewPatientsError):
        fitted(name).sample(**asked)


@by_name
def test_an_unknown_level_target_or_seed_is_refused(name: str) -> None:
    with pytest.raises(errors.GeneratorError, match="no level"):
        fitted(name).sample(where={"sex": "x"})
    with pytest.raises(errors.GeneratorError, match="sum to 1"):
        fitted(name).sample(targets={"sex": {"f": 0.5, "m": 0.2}})
    with pytest.raises(errors.SeedError):
        fitted(name).sample(seed=-1)


@by_name
def test_a_recipe_is_frozen_describes_itself_and_refuses_unknown_settings(name: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        create(name).name_ = "x"
    assert len(hs.generators.describe(name)) > 20
    with pytest.raises(errors.GeneratorError, match="not a setting"):
        hs.generators.create(name, epoch=3)


@by_name
def test_nothing_of_a_patient_is_in_what_is_printed_or_labelled(name: str) -> None:
    drawn = fitted(name).sample(n=20, m=1, seed=1)
    shown = repr(create(name)) + repr(fitted(name)) + fitted(name)._repr_html_() + repr(drawn) + drawn._repr_html_()
    shown += json.dumps(drawn.label.to_dict()) + repr(cohort())
    assert "secret" not in shown
    assert str(CANARY) not in shown


@by_name
@pytest.mark.parametrize(("change", "kind"), [
    (lambda frame: frame.head(9), errors.TooFewPatientsError),
    (lambda frame: frame.assign(sex="f"), errors.EmptyColumnError),
    (lambda frame: frame.assign(event=0), errors.NoEventsError),
])  # fmt: skip
def test_a_cohort_that_cannot_be_copied_is_refused(name: str, change: Callable, kind: type[Exception]) -> None:
    poor = hs.Cohort.derive(cohort().schema, change(cohort().frame), label=None)
    with pytest.raises(kind):
        create(name).fit(poor, seed=1)


def test_an_unknown_generator_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(errors.UnknownNameError, match="'heor'"):
        hs.generators.create("heorr")
