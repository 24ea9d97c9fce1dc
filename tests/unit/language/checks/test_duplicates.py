"""Near duplicates are found within a set and against a reference."""

import pytest

from heorsynth.core.errors import TextError
from heorsynth.language.checks.duplicates import jaccard, near_duplicates, shingles

BASE = [" ".join(f"word{at * 100 + place}" for place in range(60)) for at in range(8)]


def test_jaccard_by_hand() -> None:
    assert jaccard(shingles("a b c d"), shingles("a b c e")) == pytest.approx(1 / 3)
    assert jaccard(shingles("A b."), shingles("a  B")) == 1


def test_a_copy_with_few_changed_words_is_found_and_other_texts_are_not() -> None:
    pytest.importorskip("datasketch")
    near = BASE[2].replace("word230", "other")
    found = near_duplicates([*BASE, near])
    assert [(pair.first, pair.second) for pair in found] == [(2, 8)]
    assert found[0].jaccard == pytest.approx(55 / 61)
    assert near_duplicates(BASE) == []


def test_a_text_of_the_reference_is_contamination() -> None:
    pytest.importorskip("datasketch")
    found = near_duplicates(BASE[:3], reference=[BASE[7], BASE[1].upper()])
    assert [(pair.first, pair.second, pair.jaccard) for pair in found] == [(1, 1, 1.0)]


def test_every_pair_of_equal_texts_is_found() -> None:
    pytest.importorskip("datasketch")
    assert len(near_duplicates([BASE[0]] * 5)) == 10


def test_a_lower_limit_than_the_hashing_can_find_is_refused() -> None:
    with pytest.raises(TextError, match="between"):
        near_duplicates(BASE, least=0.5)


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(TextError, match=r"heorsynth\[language\]"):
        near_duplicates(BASE)
