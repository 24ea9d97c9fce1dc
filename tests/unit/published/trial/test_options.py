"""The options of a published trial: endpoints and constraints, each refused by its name."""

from pathlib import Path

import pytest

from heorsynth.core.errors import PaperError
from heorsynth.published.trial.options import TrialOptions, plain_ratio
from heorsynth.published.trial.trial import PublishedTrial


@pytest.fixture
def paper(printed_trial):
    return PublishedTrial.read(printed_trial.path).paper


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"endpoint": "os"}, "endpoint: not an option of a published trial\n      fix: did you mean 'endpoints'"),
        ({"endpoints": ["oss"]}, "endpoints: no 'oss'"),
        ({"constraints": ["median"]}, "constraints: no 'median'\n      fix: did you mean 'medians'"),
        ({"accuracy": -1}, "accuracy: not a number of pixels above 0"),
    ],
)
def test_a_wrong_option_is_named(paper, given, told) -> None:
    with pytest.raises(PaperError) as error:
        TrialOptions.of(paper, given)
    assert told in str(error.value)


def test_all_problems_are_told_at_once(paper) -> None:
    with pytest.raises(PaperError) as error:
        TrialOptions.of(paper, {"endpoints": ["x"], "constraints": ["y"], "z": 1})
    assert len(error.value.problems) == 3


def test_a_paper_without_a_curve_has_no_cohorts(printed_trial, tmp_path: Path) -> None:
    path = printed_trial.changed(tmp_path, ("    curves: {source: Figure 2, file: os.csv}\n", ""),
                                 ("    curves: {source: Figure 3, file: pfs.csv}\n", ""))  # fmt: skip
    with pytest.raises(PaperError, match="has no curve, and cohorts are made from one"):
        TrialOptions.of(PublishedTrial.read(path).paper)


def test_an_endpoint_without_a_curve_is_refused_by_name(printed_trial, tmp_path: Path) -> None:
    path = printed_trial.changed(tmp_path, ("    curves: {source: Figure 3, file: pfs.csv}\n", ""))
    with pytest.raises(PaperError, match="'pfs' has no curve"):
        TrialOptions.of(PublishedTrial.read(path).paper, {"endpoints": ["pfs"]})
    assert TrialOptions.of(PublishedTrial.read(path).paper).endpoints == ("os",)


def test_endpoints_without_an_order_are_not_joined(printed_trial, tmp_path: Path) -> None:
    path = printed_trial.changed(tmp_path, ("  pfs:\n", "  ttd:\n"))
    with pytest.raises(PaperError, match="does not say which of os and ttd comes first"):
        TrialOptions.of(PublishedTrial.read(path).paper)
    text = path.read_text() + "order: [[ttd, os]]\n"
    path.write_text(text)
    assert TrialOptions.of(PublishedTrial.read(path).paper).endpoints == ("ttd", "os")


def test_three_curves_must_be_chosen_from(printed_trial, tmp_path: Path) -> None:
    curves = "    curves: {source: Figure 3, file: pfs.csv}\n"
    path = printed_trial.changed(tmp_path, (curves, f"{curves}  ttd:\n    unit: month\n{curves}"))
    with pytest.raises(PaperError, match="3 have curves, and at most two can be joined"):
        TrialOptions.of(PublishedTrial.read(path).paper)


def test_an_adjusted_ratio_is_no_plain_one(printed_trial, tmp_path: Path) -> None:
    section = PublishedTrial.read(printed_trial.path).paper.document.endpoints["os"]
    assert plain_ratio(section) is section.hazard_ratios[0]
    path = printed_trial.changed(tmp_path, ("reference: usual, value", "reference: usual, adjusted: true, value"))
    assert plain_ratio(PublishedTrial.read(path).paper.document.endpoints["os"]) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"characteristics": "some"}, "characteristics: neither true nor false"),
        ({"prior": 3}, "prior: not the settings of a prior"),
        ({"prior": {"efect": 1}}, r"prior.efect: not a setting of the prior"),
        ({"prior": {"effect": "big"}}, r"prior.effect: not a number"),
        ({"prior": {"correlation": 1.5}}, r"prior.correlation: not a number from 0 up and below 1"),
        ({"prior": {"effect": 1}, "characteristics": False}, "no characteristics that it would apply to"),
    ],
)
def test_options_on_characteristics_are_refused_where_they_are_wrong(printed_trial, given, told) -> None:
    with pytest.raises(PaperError, match=told):
        TrialOptions.of(PublishedTrial.read(printed_trial.path).paper, {"endpoints": "os", **given})


def test_characteristics_that_a_paper_does_not_state_are_refused(printed_trial, tmp_path: Path) -> None:
    text = printed_trial.path.read_text()
    paper = PublishedTrial.read(printed_trial.changed(tmp_path, (text[text.index("table1:") :], ""))).paper
    with pytest.raises(PaperError, match="the paper file states none"):
        TrialOptions.of(paper, {"endpoints": "os", "characteristics": True})
    assert TrialOptions.of(paper, {"endpoints": "os", "characteristics": False}).characteristics is False


def test_the_prior_of_the_options_is_that_of_the_cohorts(printed_trial) -> None:
    trial = PublishedTrial.read(printed_trial.path).with_options({"endpoints": "os", "prior": {"effect": 0.5}})
    assert trial.characteristics.prior.effect == 0.5 and trial.characteristics.prior.correlation == 0.2
