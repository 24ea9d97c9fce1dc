"""A text is made plain before it is read."""

import time

import pytest

from heorsynth.language.reading.plain import plain, sentences


@pytest.mark.parametrize("text, made", [
    ("Wo\u200bman \u202eaged\u202c 64", "woman aged 64"),
    ("\uff21\uff27\uff25 \u2164", "age v"),
    ("caf\u0065\u0301", "caf\u00e9"),
    ("1\u202f200\u00a0EUR \u2013 \u2212 \u2019", "1 200 eur - - '"),
    ("a\x00b\x1b[31m\nc", "ab[31m\nc"),
    ("\u05de\u05d8\u05d5\u05e4\u05dc", "\u05de\u05d8\u05d5\u05e4\u05dc"),
])  # fmt: skip
def test_hidden_characters_are_dropped_and_forms_of_letters_unified(text: str, made: str) -> None:
    assert plain(text) == made


def test_a_stop_within_a_number_or_an_abbreviation_ends_no_sentence() -> None:
    text = "cost 1.5 eur. seen jan. 5. had mar. no pain"
    assert sentences(text) == ["cost 1.5 eur.", "seen jan 5.", "had mar.", "no pain"]


def test_ten_megabytes_are_made_plain_in_linear_time() -> None:
    begun = time.process_time()
    assert len(sentences(plain("a b. " * 200_000))) == 200_000
    assert time.process_time() - begun < 5
