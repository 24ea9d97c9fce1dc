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
