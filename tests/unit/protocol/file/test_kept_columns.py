"""The covariates of a protocol's analyses, and the option by which its run keeps them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import heorsynth as hs
from heorsynth.data.labels.levels import INTERNAL
from heorsynth.engine.engine import open_engine
from heorsynth.protocol.custody import Custody
from heorsynth.protocol.file.kept_columns import generator_options, kept_columns
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.fitting import fitted


def named(*formulas: str) -> tuple[str, ...]:
    return kept_columns(SimpleNamespace(analyses=[SimpleNamespace(formula=text) for text in formulas]))


def test_a_document_without_economics_and_analyses_names_no_column() -> None:
    assert kept_columns(SimpleNamespace()) == ()
    assert kept_columns(SimpleNamespace(economics=None, analyses=None)) == ()


def test_baseline_and_adjust_come_first_and_each_name_once() -> None:
    document = SimpleNamespace(
        economics=SimpleNamespace(baseline="u0", adjust=["age", "u0"]),
        analyses=[SimpleNamespace(formula="os ~ age + sex"), SimpleNamespace(call="file.py:function")],
    )
    assert kept_columns(document) == ("u0", "age", "sex")


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("os ~ trt + age + log(bili)", ("trt", "age", "bili")),
        ("trt + age", ("trt", "age")),
        ("cost ~ C(arm) * `base cost` + bs(`dd e`, 3)", ("arm", "base cost", "dd e")),
        ("y ~ np.log(x) + poly(age, 2) + {q + 1}", ("x", "age", "q")),
        ("y ~ I(age**2)", ("age",)),
        ("y ~ 1", ()),
        ("y ~ ~ (", ()),
        ("", ()),
    ],
)
def test_names_of_a_formula_are_those_of_its_right_hand_side(formula: str, names: tuple[str, ...]) -> None:
    assert sorted(named(formula)) == sorted(names)


class _Document(SimpleNamespace):
    """A document with the sections that `generator_options` reads."""


def document(options: dict[str, object], name: str = "heor", **sections: object) -> _Document:
    return _Document(generator=SimpleNamespace(name=name, options=options), **sections)


def test_heor_keeps_the_covariates_that_the_cohort_has_but_no_outcome_and_no_arm() -> None:
    trial, _ = hs.datasets.simulated_trial(60)
    economics = SimpleNamespace(baseline=None, adjust=["age"])
    analyses = [SimpleNamespace(formula="os ~ arm + sex + cost + time + nowhere")]
    asked = document({"privacy": "strong"}, economics=economics, analyses=analyses)
    assert generator_options(asked, trial) == {"privacy": "strong", "keep": ["age", "sex"]}


def test_a_keep_that_the_user_gave_stays_and_other_generators_get_none() -> None:
    trial, _ = hs.datasets.simulated_trial(60)
    economics = SimpleNamespace(baseline=None, adjust=["age"])
    assert generator_options(document({"keep": []}, economics=economics), trial) == {"keep": []}
    assert generator_options(document({}, "bootstrap", economics=economics), trial) == {}


def test_a_baseline_that_is_declared_a_utility_is_kept() -> None:
    frame = hs.datasets.simulated_trial(60)[0].frame.assign(u0=lambda rows: rows["qaly"] / 2)
    trial = hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", utilities=["qaly", "u0"])
    economics = SimpleNamespace(baseline="u0", adjust=[])
    assert generator_options(document({}, economics=economics), trial) == {"keep": ["u0"]}


def test_a_protocol_of_today_gets_the_options_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "trial.yaml"
    path.write_text(
        "heorsynth: 1\ntitle: A trial\npurpose: teaching\ncohort: {source: {simulated: {n: 60, seed: 1}}}\n"
        "generator: {name: heor, seed: 1, options: {keep: [age]}}\n",
        encoding="utf-8",
    )
    trial, _ = hs.datasets.simulated_trial(60)
    assert generator_options(read_protocol(path).document, trial) == {"keep": ["age"]}


def test_a_run_fits_heor_with_the_covariates_of_its_analyses_and_its_labels_name_them(tmp_path: Path) -> None:
    path = tmp_path / "trial.yaml"
    path.write_text(
        "heorsynth: 1\ntitle: A trial\npurpose: teaching\ncohort: {source: {simulated: {n: 60, seed: 1}}}\n"
        "generator: {name: heor, seed: 1}\n",
        encoding="utf-8",
    )
    read = read_protocol(path)
    economics = SimpleNamespace(baseline=None, adjust=["age"])
    adjusted = replace(read, document=read.document.model_copy(update={"economics": economics}))
    trial, _ = hs.datasets.simulated_trial(60)
    with open_engine() as engine:
        sampler = fitted(adjusted, trial, engine, Custody(INTERNAL, None))
        plain = fitted(read, trial, engine, Custody(INTERNAL, None))
    label = sampler.sample(m=1)[0].label
    assert label is not None and label.kept == ("age",)
    assert label.settings["keep"] == ["age"]
    assert plain.kept == () and "keep" not in plain.settings
