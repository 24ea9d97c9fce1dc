"""The words of a language, compiled."""

from heorsynth.language.reading.lexicon import any_of, lexicon


def test_no_words_match_nothing_and_words_match_whole() -> None:
    assert not any_of([]).search("anything")
    assert any_of(["age", "aged"]).findall("aged, agenda, age") == ["aged", "age"]


def test_an_event_is_known_by_its_words_and_each_of_two_events_by_its_own() -> None:
    assert "passed away" in lexicon("en").events_of("death")
    both = lexicon("en").events_of("recurrence or death")
    assert {"recurrence or death", "relapse", "died"} <= set(both)


def test_a_name_is_known_by_itself_and_by_its_other_words() -> None:
    assert lexicon("en").names_of("Oedema") == ["oedema", "edema", "oedematous", "edematous"]
    assert lexicon("en").names_of("zinc") == ["zinc"]
