"""The attrition shows each step, and no count below 5."""

from __future__ import annotations

import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import NotEstimableError
from heorsynth.evidence.evidence import Evidence
from heorsynth.report.dossier import dossier

STEPS = pd.DataFrame(
    {
        "step": ["in the database", "an event of stroke", "age 18 to 90", "in an arm"],
        "persons": [2694, 1203, 1202, 1003],
    }
)


def written(picture: hs.figures.Picture) -> list[str]:
    return [text.get_text() for text in picture.axes.texts]


def test_the_attrition_shows_the_persons_left_and_left_out_by_hand() -> None:
    picture = hs.figures.attrition(STEPS)
    assert picture.frame["persons"].tolist() == [2690, 1200, 1200, 1000]
    assert picture.frame["left_out"].tolist() == [0, 1490, 0, 200]
    assert picture.frame["share"].round(4).tolist() == [1.0, 0.4461, 0.4461, 0.3717]
    bars = picture.axes.patches
    assert [bar.get_width() for bar in bars[0::2]] == [2690, 1200, 1200, 1000]
    assert [(bar.get_x(), bar.get_width()) for bar in bars[1::2]] == [(2690, 0), (1200, 1490), (1200, 0), (1000, 200)]
    assert {"2,690", "1,200 (45%)", "1,490", "1,000 (37%)", "200", "fewer than 5"} <= set(written(picture))
    assert "age 18 to 90: 1,200, fewer than 5 left out; in an arm: 1,000, 200 left out." in picture.alt
    assert "rounded down to a multiple of 5" in picture.caption


def test_no_exact_count_is_in_the_picture_and_rounding_twice_changes_nothing() -> None:
    few = pd.DataFrame({"step": ["in the database", "an event"], "persons": [1203, 3]})
    picture = hs.figures.attrition(few)
    assert "an event: fewer than 5, 1,200 left out" in picture.alt and "fewer than 5" in written(picture)
    assert not any(exact in text for text in (picture.alt, *written(picture)) for exact in ("1,203", ": 3,"))
    again = hs.figures.attrition(picture.frame[["step", "persons"]])
    assert again.alt == picture.alt and again.png() == picture.png()


def test_a_long_step_takes_two_lines_and_its_words_are_whole_in_the_alternative_text() -> None:
    long = " ".join(["without an earlier record of any of its kind"] * 3)
    picture = hs.figures.attrition(pd.DataFrame({"step": ["in the database", long], "persons": [100, 50]}))
    label = picture.axes.get_yticklabels()[1].get_text()
    assert label.count("\n") == 1 and label.endswith("…") and long in picture.alt


@pytest.mark.parametrize(("steps", "told"), [
    (STEPS.drop(columns="persons"), "persons: no such column"),
    (STEPS.iloc[:0], "step: there is none"),
    (STEPS.assign(persons=[1.5, 1, 1, 1]), "persons: are not whole numbers from 0"),
    (STEPS.assign(persons=[5, 3, 1, -1]), "persons: are not whole numbers from 0"),
    (STEPS[::-1], "persons: rise from one step to the next"),
])  # fmt: skip
def test_what_is_no_attrition_is_told(steps: pd.DataFrame, told: str) -> None:
    with pytest.raises(NotEstimableError, match=told):
        hs.figures.attrition(steps)


def test_a_dossier_has_the_attrition_of_a_cohort_from_a_database_and_of_no_other() -> None:
    cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    evidence = Evidence("teaching", (), m=2, n_rows=60, n_source=60)
    page = dossier({}, cohort, synthetic, evidence, attrition=STEPS)
    assert page.count("<h3>From the database to the cohort</h3>") == 1
    assert "in an arm: 1,000, 200 left out" in page and "2,694" not in page
    assert "From the database to the cohort" not in dossier({}, cohort, synthetic, evidence)
