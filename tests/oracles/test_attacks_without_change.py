"""Attacks made fast give what the plain way gives: descriptions, near copies, nearest people, and what is kept."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import heorsynth as hs
from heorsynth.checks.privacy import coordinates
from heorsynth.checks.privacy.coordinates import Space
from heorsynth.estimators.attacks import members, records
from heorsynth.estimators.attacks.attack import CLOSE
from heorsynth.estimators.attacks.guesses import _descriptions, _fits
from heorsynth.estimators.attacks.records import Neighbours, _within


@pytest.mark.parametrize(("n", "p"), [(1, 1), (1, 5), (7, 1), (40, 6), (209, 20)])
def test_descriptions_are_those_of_one_row_and_one_permutation_after_the_other(n: int, p: int) -> None:
    fast, plain = np.random.default_rng(3), np.random.default_rng(3)
    index, chosen = _descriptions(fast, n, p, min(4, p), 60)
    drawn = [(plain.integers(n), plain.permutation(p)[:4]) for _ in range(60)]
    assert index.tolist() == [row for row, _ in drawn]
    assert chosen.tolist() == [columns.tolist() for _, columns in drawn]
    assert fast.bit_generator.state == plain.bit_generator.state


def test_values_compared_once_fit_the_people_whom_each_description_fits() -> None:
    rng, numeric = np.random.default_rng(4), np.array([True, False, True, False])
    held = np.where(numeric, rng.normal(size=(60, 4)).round(1), rng.integers(0, 3, (60, 4)))
    held[rng.random(held.shape) < 0.1] = np.nan
    rows, people = held[:35], held[35:]
    middle = np.nanmedian(rows, axis=0)
    drawn = _descriptions(rng, len(rows), 4, 2, 200)
    told, each = (_fits(rows, [rows, people], numeric, middle, most) for most in (10_000, 0))
    for once, one_by_one in zip(told, each, strict=True):
        assert np.array_equal(once(*drawn), one_by_one(*drawn))
    assert 0 < np.unpackbits(told[1](*drawn)).mean() < 1


@pytest.mark.parametrize("held", [records._HELD, 0])
def test_near_pairs_are_those_within_the_tolerance_in_every_coordinate(
    held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_HELD", held)  # 0: a tree is searched
    rng = np.random.default_rng(5)
    people = np.column_stack([rng.normal(size=80), rng.integers(0, 2, 80), np.zeros(80)])
    rows = np.concatenate([people[:20] + rng.uniform(-0.06, 0.06, (20, 3)), people[:5], rng.normal(size=(30, 3))])
    row, person = _within(rows, people, 0.05)
    near = (np.abs(rows[:, None] - people[None]) <= 0.05).all(axis=2)
    assert sorted(zip(row.tolist(), person.tolist(), strict=True)) == list(
        zip(*map(np.ndarray.tolist, np.nonzero(near)), strict=True)
    )
    assert near.any()


def test_neighbours_are_those_of_each_row_and_each_person_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_CHUNK", 7)
    rng = np.random.default_rng(6)
    people, rows = rng.integers(0, 3, (25, 2)).astype(float), rng.integers(0, 3, (40, 2)).astype(float)
    shares = np.zeros(25)
    for row in rows:
        apart = [math.dist(row, one) for one in people]
        nearest = [place for place, distance in enumerate(apart) if distance <= min(apart) + CLOSE]
        shares[nearest] += 1 / len(nearest) / 40
    found = Neighbours.of(rows, people)
    np.testing.assert_allclose(found.shares, shares, rtol=1e-12)
    np.testing.assert_allclose(found.apart, cdist(people, rows).min(axis=1), rtol=1e-12)
    for attack in (members.nearest_record, members.density_ratio):
        known, own = attack(rows, people[:9], people[9:], found.apart), attack(rows, people[:9], people[9:])
        np.testing.assert_allclose([*known.ours, *known.theirs], [*own.ours, *own.theirs], rtol=1e-12)


def test_parts_are_made_once_for_the_same_cohorts_and_again_where_they_are_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, unseen, one, other = (hs.datasets.simulated_trial(40, seed=seed)[0] for seed in (1, 2, 3, 4))
    space = Space.of(real, [one, other], unseen)
    kept = space.parts((one, other), real, unseen)
    assert space.parts([one, other], real, unseen) is kept
    assert kept.some(80, 40, np.random.default_rng(1)) is kept
    assert len(kept.some(79, 40, np.random.default_rng(1)).rows.points) == 79
    assert space.parts((other, one), real, unseen) is not kept
    monkeypatch.setattr(coordinates, "_MOST_HELD", 0)
    again = Space.of(real, [one, other], unseen)
    first, second = (again.parts((one, other), real, unseen) for _ in range(2))
    assert first is not second
    assert first.marginal.ours.tolist() == second.marginal.ours.tolist() == kept.marginal.ours.tolist()
