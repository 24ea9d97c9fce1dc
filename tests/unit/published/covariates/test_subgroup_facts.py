"""What a patient moves in a subgroup's hazard ratio is what leaving one out shows."""

from collections.abc import Callable

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.published.covariates.columns import columns_of
from heorsynth.published.covariates.subgroup_facts import FollowUps, error_and_moves, log_ratio, subgroup_facts

Changed = Callable[..., "hs.published.Paper"]


def follow_ups(n: int, rng: np.random.Generator) -> FollowUps:
    time = np.sort(np.ceil(20 * rng.exponential(size=n)) / 20)
    return FollowUps(time, rng.uniform(size=n) < 0.7, rng.uniform(size=n) < 0.5)


def test_the_error_is_that_of_the_efron_estimate() -> None:
    rng = np.random.default_rng(1)
    follow = follow_ups(200, rng)
    members = rng.uniform(size=200) < 0.5
    found = log_ratio(follow, members)
    assert error_and_moves(follow, members, found)[0] == pytest.approx(0, abs=1e-8)
    assert error_and_moves(follow, members, found - 0.02)[0] == pytest.approx(0.02, rel=0.05)  # Newton's step is linear


def test_moves_are_those_of_patients_who_join_or_leave() -> None:
    rng = np.random.default_rng(2)
    follow = follow_ups(300, rng)
    members = rng.uniform(size=300) < 0.6
    found = log_ratio(follow, members)
    _, moves = error_and_moves(follow, members, found)
    changes = []
    for patient in range(0, 300, 5):
        other = members.copy()
        other[patient] = ~other[patient]
        changes.append((log_ratio(follow, other) - found) * (1 if other[patient] else -1))
    assert np.corrcoef(changes, moves[::5])[0, 1] > 0.99
    assert np.abs(np.array(changes) - moves[::5]).max() < 0.004  # terms of second order in 1 / events


def test_names_that_table_1_lacks_are_listed(changed: Changed) -> None:
    document = changed(("subgroup: {sex: female}, n: {drug: 40, usual: 45}", "subgroup: {sexe: female}")).document
    facts, problems = subgroup_facts(document, "os", columns_of(document)[0])
    assert facts == ()
    assert "no characteristic" in problems[0].found
    document = changed(("subgroup: {sex: female}, n: {drug: 40, usual: 45}", "subgroup: {age: old}")).document
    assert "no cut" in subgroup_facts(document, "os", columns_of(document)[0])[1][0].found


def test_a_cut_through_a_number_has_its_members(changed: Changed) -> None:
    document = changed(("subgroup: {sex: female}, n: {drug: 40, usual: 45}", 'subgroup: {age: "<60"}')).document
    columns, _ = columns_of(document)
    facts, _ = subgroup_facts(document, "os", columns)
    held = facts[0].members(np.array([[59.0, 0, 0], [60.0, 0, 0], [np.nan, 0, 0]]), columns)
    assert held.tolist() == [True, False, False]
    assert facts[0].text(columns) == "age = <60"
