"""A finding shows its estimate with the error rates of its check."""

import pytest

from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.language.checks.findings import TextFinding, TextReport


def test_the_share_is_corrected_for_the_errors_of_the_check() -> None:
    found = TextFinding("facts omitted", "age", proportion(30, 100), proportion(90, 100), proportion(10, 100))
    assert found.adjusted == pytest.approx(0.25)
    assert TextFinding("x", "", proportion(5, 100), proportion(90, 100), proportion(10, 100)).adjusted == 0
    assert TextFinding("x", "", proportion(5, 100)).adjusted == 0.05


def test_a_report_shows_faults_from_the_most_frequent_on_with_their_rates() -> None:
    rare = TextFinding("facts omitted", "age", proportion(1, 100), proportion(90, 100), proportion(0, 100))
    often = TextFinding("facts omitted", "sex", proportion(50, 100), proportion(90, 100), proportion(0, 100))
    other = TextFinding("self-BLEU", "", Estimate(40.0, 38.0, 42.0, unit="of 100"))
    report = TextReport((other, rare, often), ("a", "b"), ("x", "y"), (("age omitted",), ()))
    assert [row[0] for row in report.card().rows] == ["facts omitted sex", "facts omitted age", "self-BLEU"]
    assert report["facts omitted age"] is rare and report["self-BLEU"] is other
    frame = report.to_frame()
    assert frame.loc[1, "recall"] == 0.9 and frame.loc[1, "recall_low"] < 0.9
    assert frame["recall"].isna().tolist() == [True, False, False]
    assert report.faulty().to_dict("records") == [{"synthetic_id": "a", "text": 0, "fault": "age omitted"}]
    assert "0.9" in repr(report) and "<table" in report._repr_html_()
