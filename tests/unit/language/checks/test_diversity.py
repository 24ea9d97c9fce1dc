"""Diversity: a set of copies scores 100, a set without a common word scores about 0."""

import sys

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError, TextError
from heorsynth.language.checks.diversity import blocks_of, distinct, self_bleu

COPIES = [["a b c d e f"] * 5] * 3
APART = [[" ".join(f"w{block}x{text}x{at}" for at in range(8)) for text in range(5)] for block in range(3)]


def test_copies_have_a_self_bleu_of_100_and_texts_without_a_common_word_of_0() -> None:
    pytest.importorskip("sacrebleu")
    assert self_bleu(COPIES).value == pytest.approx(100) and self_bleu(APART).value < 5


def test_distinct_n_by_hand() -> None:
    assert distinct(COPIES, 1).value == pytest.approx(6 / 30)
    assert distinct(APART, 1).value == 1 and distinct(
        [["a b a b"], ["a b a b"], ["a b a c"]], 2
    ).value == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_blocks_have_the_same_number_of_words() -> None:
    assert distinct([["a b"], ["a b c d e f"], ["a a"]], 1).value == pytest.approx((1 + 1 + 0.5) / 3)


def test_blocks_share_no_text_and_follow_their_stream() -> None:
    texts = [str(at) for at in range(100)]
    blocks = blocks_of(texts, np.random.default_rng(1))
    assert len(blocks) == 6 and len({text for block in blocks for text in block}) == 90
    assert blocks == blocks_of(texts, np.random.default_rng(1))
    with pytest.raises(NotEstimableError, match="45 are needed"):
        blocks_of(texts[:44], np.random.default_rng(1))


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    with pytest.raises(TextError, match=r"heorsynth\[language\]"):
        self_bleu(COPIES)
