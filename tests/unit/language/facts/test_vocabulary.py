"""The vocabulary of a language is data."""

import pytest

from heorsynth.core.errors import UnknownNameError
from heorsynth.language.facts.vocabulary import plain_level, read_words, sex_of, yes_or_no


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="language 'xx' is not known: use one of: en"):
        read_words("facts", "xx")


def test_levels_of_sex_are_read_in_words_and_never_in_numbers() -> None:
    assert [sex_of(level) for level in ("F", "woman", "Male", "1", "x")] == ["f", "f", "m", "", ""]


def test_yes_and_no_are_read_and_other_levels_are_neither() -> None:
    assert [yes_or_no(level) for level in ("1.0", "no", "TRUE", "2")] == [True, False, True, None]
    assert plain_level(" 3.0 ") == "3"
