"""The table of texts: a planted fault stands in its slot and column, with the error rates of its check."""

import pytest

import heorsynth as hs
from heorsynth.report.tables.texts import texts_table

SLOTS = ["age", "sex"]


@pytest.fixture(scope="module")
def drawn() -> "hs.Cohort":
    lung = hs.datasets.load("lung")
    return hs.generators.create("marginals").fit(lung, seed=1).sample(n=20, m=1, seed=1)[0]


def test_a_planted_omission_and_invention_stand_in_their_cells(drawn: "hs.Cohort") -> None:
    texts = list(hs.narrate(drawn, slots=SLOTS, seed=1).texts)
    texts[:5] = ["He is a man." if sex == "m" else "She is a woman." for sex in drawn.frame["sex"][:5]]
    texts[5] += " A biopsy was done."
    table = texts_table(hs.check_text(texts, drawn, slots=SLOTS, checks=["facts", "identifiers"]))
    rows = {row[0]: row for row in table.card.rows}
    assert list(rows) == ["age", "sex", "other"]
    assert rows["age"][1].startswith("25% (8.7 to 49.1)")  # 5 of 20, Clopper-Pearson
    assert rows["sex"][1] == "0% (0 to 16.8)" and rows["age"][3] == "–" and rows["other"][3].startswith("5% (")
    assert rows["age"][4].startswith("100%") and len(table.frame) == 5
    assert "identifiers" not in set(table.frame["check"])


def test_without_a_check_of_facts_the_table_is_empty(drawn: "hs.Cohort") -> None:
    texts = hs.narrate(drawn, slots=SLOTS)
    table = texts_table(hs.check_text(texts, drawn, slots=SLOTS, checks=["identifiers"]))
    assert table.card.rows == () and table.frame.empty and "template" in table.card.title
