"""Forms of sentences: at least twenty a slot, each fillable, and filled as the facts say."""

import re

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.data.labels.label import Label
from heorsynth.language.facts.sheet import Sheet, Slot, sheet_of
from heorsynth.language.narratives.writer import Writer, forms_of, kinds_of

RNG = np.random.default_rng(1)


def written(slot: Slot, value: float | str, forms: dict[str, list[str]], label: Label) -> str:
    return Writer(Sheet((slot,), ({},), ("SYN-0-0",), label), forms).text({slot.key: value}, RNG)


def test_a_vignette_has_twenty_different_forms_of_every_slot() -> None:
    forms = forms_of("vignette", "en")
    small = {kind for kind, held in forms.items() if len(set(held)) < 20}
    assert small == {"outcome_event", "outcome_none"}, "those are joined of two slots with forms of their own"
    assert all(len(set(held)) == len(held) for held in forms.values())


@pytest.mark.parametrize("kind", kinds_of("en"))
def test_every_form_is_filled_without_a_brace_left(kind: str, synthetic: "hs.Cohort") -> None:
    sheet, forms = sheet_of(synthetic), forms_of(kind, "en")
    longest = max(map(len, forms.values()))
    for at in range(longest):
        one = {name: [held[at % len(held)]] for name, held in forms.items()}
        for row in sheet.rows[:6]:
            text = Writer(sheet, one).text(row, RNG)
            assert not re.search(r"[{}]|  | \.", text)
            assert all(part[0].isupper() or not part[0].isalpha() for part in re.split(r"(?<=[.?!]) ", text))


@pytest.mark.parametrize("slot, value, form, text", [
    (Slot("age", "age", "age"), 81.7, "{an} {age}-year-old {noun}.", "An 81-year-old person."),
    (Slot("bili", "measure", "albumin", "g/L", 1), 2.46, "a {name} of {amount}.", "An albumin of 2.5 g/L."),
    (Slot("t.time", "time", "follow-up", "year", 1), 1.0, "Lasted {time}.", "Lasted 1.0 years."),
    (Slot("t.time", "time", "follow-up", "day", 0), 1.0, "Lasted {time}.", "Lasted 1 day."),
    (Slot("s", "sex", "sex", levels={"2": "f"}), "2", "{subject} was a {noun}.", "She was a woman."),
    (Slot("s", "level", "stage", levels={"2": "II"}), "2", "{name} {value}.", "Stage II."),
])  # fmt: skip
def test_a_form_is_filled_by_hand(slot: Slot, value: float | str, form: str, text: str, synthetic: "hs.Cohort") -> None:
    assert written(slot, value, {slot.kind: [form]}, synthetic.label) == text


@pytest.mark.parametrize("code, text", [("1", "Died."), ("2", "Had AIDS."), ("0", "Was alive.")])
def test_a_status_is_told_by_its_event(code: str, text: str, synthetic: "hs.Cohort") -> None:
    slot = Slot("os.status", "status", "os", levels={"0": "", "1": "death", "2": "AIDS"})
    forms = {"status_event": ["{past}."], "status_none": ["{without}."]}
    assert written(slot, code, forms, synthetic.label) == text


def test_a_flag_is_told_by_its_answer_and_no_sex_gives_no_pronoun(synthetic: "hs.Cohort") -> None:
    slot = Slot("ascites", "flag", "ascites", levels={"1": "yes", "0": "no"})
    forms = {"flag_yes": ["{subject} had {name}."], "flag_no": ["{subject} had no {name}."]}
    assert written(slot, "1", forms, synthetic.label) == "The patient had ascites."
    assert written(slot, "0", forms, synthetic.label) == "The patient had no ascites."
