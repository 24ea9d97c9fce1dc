"""Drift between two releases: none between halves of one, found where texts were changed."""

import pytest

import heorsynth as hs
from heorsynth.language.checks.drift import drift
from heorsynth.language.checks.findings import TextReport


@pytest.fixture(scope="module")
def reports(synthetic: "hs.Cohort") -> tuple[TextReport, TextReport, TextReport]:
    texts = [hs.narrate(synthetic, seed=seed) for seed in (1, 2)]
    spoilt = [f"{text} Afterwards the patient moved to sunny Spain." for text in texts[1].texts]
    return tuple(hs.check_text(one, synthetic, checks=["facts"]) for one in (texts[0], texts[1], spoilt))


def test_two_seeds_of_the_templates_do_not_drift(reports: tuple[TextReport, ...]) -> None:
    for one in drift(reports[0], reports[1]):
        if one.check == "drift of vocabulary":
            assert one.note.startswith("no drift")
        else:
            assert one.estimate.low <= 0 <= one.estimate.high


def test_an_added_sentence_is_drift_of_faults_length_and_vocabulary(reports: tuple[TextReport, ...]) -> None:
    found = {one.check: one for one in drift(reports[0], reports[2])}
    assert found["drift of any fault"].estimate.low > 0.8 and found["drift of other fabricated"].estimate.low > 0.8
    assert found["drift of length"].estimate.low > 3
    assert found["drift of vocabulary"].note.startswith("drift")
