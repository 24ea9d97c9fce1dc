"""Memorised spans: the longest run of words of a corpus."""

from heorsynth.language.checks.memorised import Corpus

SAYING = "the quick brown fox jumps over the lazy dog and runs away"


def test_a_run_of_eight_words_counts_and_one_of_seven_does_not() -> None:
    corpus = Corpus([SAYING])
    words = SAYING.split()
    assert corpus.longest("He saw " + " ".join(words[:8]) + " here") == 8
    assert corpus.longest("He saw " + " ".join(words[:7]) + " here") == 0
    assert corpus.longest("«" + ", ".join(words[:8]) + "»!") == 8, "punctuation around words is no part of them"
    assert corpus.longest(SAYING.upper()) == len(words)


def test_a_run_is_the_longest_one() -> None:
    corpus = Corpus(["a b c d e f g"], least=2)
    assert corpus.longest("a b x c d e f") == 4 and corpus.longest("") == 0
