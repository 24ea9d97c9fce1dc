"""How follow-up ended, read from single sentences."""

import pytest

from heorsynth.data.labels.label import Label
from heorsynth.language.facts.sheet import Sheet, Slot
from heorsynth.language.reading.plain import plain, sentences
from heorsynth.language.reading.states import states_said
from heorsynth.language.reading.terms import terms_of

LABEL = Label("1a2b3c4d", "heor", 10, 10, 10, 0, 1, 1, "0", {})


def said(text: str, **levels: str) -> set[str]:
    """The codes that a text states; "!1" for a denied one that leaves others open."""
    slot = Slot("os.status", "status", "os", levels={"0": "", **(levels or {"1": "death"})})
    terms = terms_of(Sheet((slot,), ({},), ("x",), LABEL))
    return {f"{'!' if one.denied else ''}{one.level}" for _, one in states_said(sentences(plain(text)), terms)}


@pytest.mark.parametrize("text", [
    "She has passed.", "The illness took his life.", "He lost his long fight.", "Death: yes.", "Dead = 1.",
    "Alive: no.", "She is not among the living.", "He was not a survivor.", "The drug could not prevent his death.",
    "Nobody could save him from death.", "She was alive until the day on which she died.", "Vital status: dead.",
    "She didn't make it.", "He is no longer with us.", "Is she dead or alive? Dead.",
])  # fmt: skip
def test_a_death_is_read_in_active_passive_and_field_form(text: str) -> None:
    assert said(text) == {"1"}


@pytest.mark.parametrize("text", [
    "Mortality status: alive.", "Death: no.", "Dead = 0.", "Death indicator: false.", "She is still breathing.",
    "He is not among the deaths of the trial.", "Dead or alive? Alive.", "She has yet to die.", "He made it.",
    "Reports of her death are untrue.", "The risk of death was high, but she is alive.", "Censoring: yes.",
])  # fmt: skip
def test_no_death_is_read_in_denied_and_field_form(text: str) -> None:
    assert said(text) <= {"0", "!1"} and said(text)


@pytest.mark.parametrize("text", ["The risk of death was high.", "Three years had passed.", "Stage was III."])
def test_a_possibility_and_passing_time_state_nothing(text: str) -> None:
    assert said(text) == set()


def test_each_event_is_read_by_its_own_words() -> None:
    assert said("She was alive and the disease progressed.", **{"1": "progression"}) == {"1"}
    assert said("He did not survive.", **{"1": "progression", "2": "death"}) == {"2"}
    assert said("No relapse; she is alive.", **{"1": "recurrence", "2": "death"}) == {"!1", "0"}
