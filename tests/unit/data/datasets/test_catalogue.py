"""The bundled datasets hold the numbers of patients and events their publications give."""

import sys

import pytest

import heorsynth as hs
from heorsynth.core import errors

PATIENTS_EVENTS = {
    "pbc": (418, 161), "lung": (228, 165), "rossi": (432, 114), "gbsg2": (686, 299), "veterans": (137, 128),
    "whas500": (500, 215), "aids": (1151, 96), "flchain": (7871, 2166),
}  # fmt: skip


@pytest.mark.parametrize("name", hs.datasets.names())
def test_a_dataset_loads_with_its_roles_its_citation_and_its_licence(name: str) -> None:
    cohort, described = hs.datasets.load(name), hs.datasets.describe(name)
    assert not cohort.synthetic
    assert described.citation and described.licence and hs.datasets.title(name)
    if name in PATIENTS_EVENTS:
        endpoint = next(iter(cohort.schema.endpoints))
        assert (cohort.n, int((cohort.outcome(endpoint)[1] == 1).sum())) == PATIENTS_EVENTS[name]


def test_pbc_is_the_published_cohort_in_the_house_coding() -> None:
    cohort = hs.datasets.load("pbc")
    frame = cohort.frame
    assert (frame["event"] == 2).sum() == 25
    assert frame["trt"].notna().sum() == 312
    assert frame["sex"].value_counts().to_dict() == {"f": 374, "m": 44}
    assert set(frame["age_group"]) == {"<40", "40-49", "50-59", "60+"}
    assert (frame.loc[frame["age_group"] == "40-49", "age"].between(40, 49.99)).all()


def test_roles_changed_by_a_caller_stay_as_they_are_declared() -> None:
    hs.datasets.roles("pbc")["subgroups"].append("stage")
    assert hs.datasets.roles("pbc")["subgroups"] == ["sex", "age_group"]


def test_the_cause_of_death_is_no_covariate_of_flchain() -> None:
    assert "chapter" not in hs.datasets.frame("flchain").columns


def test_a_dataset_of_a_package_that_is_absent_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sksurv", None)
    with pytest.raises(errors.FileError, match=r"heorsynth\[datasets\]"):
        hs.datasets.load("veterans")


def test_randhie_has_dollars_and_zeros() -> None:
    cohort = hs.datasets.load("randhie")
    spent = cohort.frame["meddol"]
    assert cohort.schema.money == "USD"
    assert (spent == 0).mean() == pytest.approx(0.232, abs=0.001)
    assert spent.max() > 30_000


def test_an_unknown_dataset_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(errors.UnknownNameError, match="'pbc'"):
        hs.datasets.load("pbcs")
