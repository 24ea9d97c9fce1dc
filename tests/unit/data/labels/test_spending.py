"""What releases spend adds up by the rules of its kind, and what states nothing is not counted as nothing."""

import pytest

from heorsynth.core import errors
from heorsynth.data.labels.spending import composed, in_words, spending_of, within


def test_a_generator_states_mu_or_epsilon_and_delta() -> None:
    assert spending_of(None) is None and spending_of(1) == {"mu": 1.0}
    pair = {"epsilon": 1.0, "delta": 1e-6}
    assert spending_of((1, 1e-6)) == spending_of([1, 1e-6]) == spending_of(pair) == pair
    for wrong in ("much", -1.0, (1, 2, 3), {"epsilon": 1.0}, {"mu": float("nan")}, True):
        with pytest.raises(errors.LedgerError, match="no spending"):
            spending_of(wrong)


def test_mu_adds_in_squares_and_epsilon_and_delta_add() -> None:
    assert composed([{"mu": 0.6}, {"mu": 0.8}]) == {"mu": 1.0}
    assert composed([{"epsilon": 1.0, "delta": 0.25}] * 2) == {"epsilon": 2.0, "delta": 0.5}
    assert composed([{"mu": 1.0}, None]) is None and composed([{"mu": 1.0}, {"epsilon": 1.0, "delta": 0.0}]) is None


def test_a_budget_is_kept_up_to_its_last_part_and_delta_counts_too() -> None:
    assert within([{"mu": 0.6}], {"mu": 0.8}, {"mu": 1.0}) is None
    assert within([{"mu": 1.0}], {"mu": 0.1}, {"mu": 1.0}) is not None
    assert within([], {"epsilon": 0.1, "delta": 1e-5}, {"epsilon": 1.0, "delta": 1e-6}) is not None
    wrong = within([], {"epsilon": 0.1, "delta": 0.0}, {"mu": 1.0})
    assert wrong is not None and "does not state" in wrong.found
    over = within([{"epsilon": 2.0, "delta": 1e-6}], {"epsilon": 1.5, "delta": 1e-6}, {"epsilon": 3.0, "delta": 1e-5})
    assert over is not None
    assert over.found == (
        "the budget of these patients is epsilon 3, delta 1e-05: epsilon 2, delta 1e-06 is spent, "
        "this release asks epsilon 1.5, delta 1e-06"
    )
    assert in_words(None) == "not stated"
