"""Texts against their rows: planted faults are counted by slot, and bad input is refused."""

import pytest

import heorsynth as hs
from heorsynth.core.errors import LabelError, TextError, UnknownNameError

FACTS = ["facts", "identifiers"]


def test_texts_of_templates_have_no_fault(synthetic: "hs.Cohort") -> None:
    for kind in ("vignette", "summary", "questionnaire"):
        report = hs.check_text(hs.narrate(synthetic, kind), synthetic, checks=FACTS)
        assert report.faulty().empty, kind
        assert report["facts: texts with any fault"].estimate.count == 0


def test_planted_faults_are_counted_by_slot_with_the_rates_of_their_check(synthetic: "hs.Cohort") -> None:
    texts = list(hs.narrate(synthetic, "summary").texts)
    for at in range(6):
        texts[at] += " A biopsy was done."
    for at in range(10, 13):
        texts[at] = texts[at].replace("azathioprine", "X").replace("placebo", "azathioprine").replace("X", "placebo")
    report = hs.check_text(texts, synthetic, checks=FACTS)
    assert report["facts fabricated other"].estimate.count == 6
    assert report["facts contradicted trt"].estimate.count == 3
    assert report["facts: texts with any fault"].estimate.count == 9
    assert report["facts contradicted trt"].recall.value > 0.95
    assert set(report.faulty()["text"]) == {*range(6), *range(10, 13)}


def test_a_fact_is_asked_of_the_patients_who_have_it() -> None:
    cohort = hs.datasets.load("pbc")
    drawn = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=1, seed=1)[0]
    options = {"slots": ["age", "sex", "ascites", "bili"]}
    report = hs.check_text(hs.narrate(drawn, **options), drawn, checks=["facts"], **options)
    missing = int(drawn.frame["ascites"].isna().sum())
    assert report["facts fabricated ascites"].estimate.n_used == missing > 0
    assert report["facts omitted ascites"].estimate.n_used == drawn.n - missing


def test_several_texts_of_a_patient_are_one_cluster(synthetic: "hs.Cohort") -> None:
    texts = {one.id: [one.text] * 3 for one in hs.narrate(synthetic)}
    report = hs.check_text(texts, synthetic, checks=["facts"])
    estimate = report["facts omitted age"].estimate
    assert estimate.n_used == 3 * synthetic.n and estimate.n_total == synthetic.n


def test_identifiers_and_canaries_are_found_and_not_quoted(synthetic: "hs.Cohort") -> None:
    texts = list(hs.narrate(synthetic).texts)
    texts[0] += " Call Mrs. Smith, canary ada 7319."
    report = hs.check_text(texts, synthetic, checks=["identifiers"], canaries=["Canary-Ada-7319"])
    assert report["canaries"].estimate.count == 1 and report["identifiers"].estimate.count == 1
    assert "Smith" not in repr(report) and "7319" not in repr(report) and "name" in report["identifiers"].note


def test_canaries_of_the_source_stand_in_no_text() -> None:
    import numpy as np
    import pandas as pd

    rng, n = np.random.default_rng(5), 90
    frame = pd.DataFrame(
        {"time": rng.integers(30, 900, n), "event": rng.integers(0, 2, n), "age": rng.normal(60, 5, n)}
    )
    frame["patient"] = [f"Canary-{at:05d}" for at in range(n)]
    frame["marker"] = 7000.123 + rng.normal(0, 1, n)
    frame.loc[0, "marker"] = 98765.4321
    source = hs.Cohort(frame, endpoints={"os": ("time", "event")}, id="patient")
    drawn = hs.generators.create("heor").fit(source, seed=1).sample(m=1, seed=1)[0]
    canaries = [*frame["patient"], "98765.4321", "98765.4"]
    report = hs.check_text(hs.narrate(drawn), drawn, checks=["identifiers"], canaries=canaries)
    assert report["canaries"].estimate.count == 0


def test_a_reference_and_a_corpus_are_compared_with(synthetic: "hs.Cohort") -> None:
    pytest.importorskip("datasketch")
    pytest.importorskip("sacrebleu")
    texts = hs.narrate(synthetic)
    report = hs.check_text(texts, synthetic, reference=texts.texts[:50], corpus=[texts.texts[0]])
    assert report["near duplicates of the reference"].estimate.count == 50
    assert report["near duplicates"].estimate.count == 0 and report["memorised spans"].estimate.count >= 1
    assert 0 < report["self-BLEU"].estimate.value < 100 and "distinct 2-grams" in set(report.to_frame()["check"])


@pytest.mark.parametrize("texts, found", [
    (["one"], "1 texts of 60 rows"),
    ({"SYN-00000000-000000": "a text"}, "1 texts are of no row"),
    ({}, "there is no text"),
])  # fmt: skip
def test_texts_of_other_rows_are_refused(texts: object, found: str, synthetic: "hs.Cohort") -> None:
    with pytest.raises(TextError, match=found):
        hs.check_text(texts, synthetic)


def test_a_text_of_ten_megabytes_and_one_that_is_none_are_refused(synthetic: "hs.Cohort") -> None:
    texts = list(hs.narrate(synthetic).texts)
    texts[0], texts[1] = "canary " * 1_500_000, None
    with pytest.raises(TextError) as raised:
        hs.check_text(texts, synthetic)
    assert [one.found for one in raised.value.problems] == ["1 are no text", "1 are longer than 100,000 characters"]


def test_patients_and_unknown_checks_are_refused(real: "hs.Cohort", synthetic: "hs.Cohort") -> None:
    with pytest.raises(LabelError):
        hs.check_text(["text"] * real.n, real)
    with pytest.raises(UnknownNameError, match="did you mean 'facts'"):
        hs.check_text([], synthetic, checks=["fact"])
