"""The figure of a paper: published points over the band of the cohorts, both numbers at risk beneath."""

import pytest

from heorsynth.core.errors import UnknownNameError
from heorsynth.published.trial.trial import PublishedTrial
from heorsynth.report.figures.published import published_curves


@pytest.fixture(scope="module")
def trial(printed_trial):
    return PublishedTrial.read(printed_trial.path).with_options({"endpoints": "os"})


@pytest.fixture(scope="module")
def picture(trial):
    return published_curves(trial, trial.cohorts(m=5, seed=1), "os")


def test_the_table_holds_the_published_numbers_at_risk_and_those_of_the_cohorts(picture, trial) -> None:
    risk = picture.tables["at_risk"]
    assert risk["published"].tolist() == trial.paper.at_risk("os")["at_risk"].astype(int).tolist()
    assert (risk["published"] == risk["cohorts"]).all()


def test_the_band_holds_the_mean_and_the_points_are_near_it(picture) -> None:
    frame = picture.frame
    assert ((frame["low"] <= frame["cohorts"] + 1e-12) & (frame["cohorts"] <= frame["high"] + 1e-12)).all()
    assert (frame["high"] - frame["low"]).max() > 0
    assert set(frame["arm"]) == {"drug", "usual"}
    assert len(picture.tables["points"]) > 100


def test_its_words_are_made_from_its_numbers(picture) -> None:
    assert "widest band" in picture.alt and "drug" in picture.alt and "numbers at risk as printed" in picture.caption
    assert picture.png()[1:4] == b"PNG"


def test_a_curve_without_numbers_at_risk_is_drawn(printed_trial) -> None:
    trial = PublishedTrial.read(printed_trial.path).with_options({"endpoints": "pfs"})
    assert published_curves(trial, trial.cohorts(m=2), "pfs").tables["at_risk"].empty


def test_an_unknown_endpoint_is_named(trial) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'os'"):
        published_curves(trial, trial.cohorts(m=2), "oss")
