"""Shares in a law of simulated patients."""

from heorsynth.data.datasets.shares import share_problems


def test_shares_lie_within_0_and_1_and_parts_add_up() -> None:
    assert share_problems({"parts": (0.25, 0.75), "female": (0.0,)}, "parts") == []
    outside, sums = share_problems({"parts": (0.5, 0.25), "female": (1.5,)}, "parts")
    assert (outside.where, sums.where, sums.found) == ("female", "parts", "add up to 0.75")
