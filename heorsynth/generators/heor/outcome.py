"""The law of the primary endpoint: follow-up and its cause of ending, in each cell of arm and subgroups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heorsynth.core.ranks import rising
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.latent.quantiles import MIN_PATIENTS, Quantiles, split
from heorsynth.generators.protection.guard import Mover

_POOL = 2
"""A cell with fewer patients than this many pieces need shares its law with the cells most similar to it."""

_HALVED = 4
"""With so many pieces or more, a cell that shares patients has its own shares of early and of late times."""

_WARPED = 16
"""Equal parts of follow-up whose shares are moved by chance."""

_OUTERMOST = 0.005
"""No time of a law that was told with noise lies before or after all but this share of patients."""

GRID = 60
"""Largest number of times at which cumulative hazards are kept."""


@dataclass(frozen=True)
class _FollowUpLaw:
    """The law of follow-up in a cell: a quantile function of times, and the share of each cause along it.

    Attributes
    ----------
    times : Quantiles
    edges : array (k + 1,)      shares of patients at the edges of successive windows, from 0 to 1
    causes : array (k, c)       share of patients with cause 1, 2, … in each window; the rest is censored
    """

    times: Quantiles
    edges: np.ndarray
    causes: np.ndarray

    @classmethod
    def of(cls, time: np.ndarray, cause: np.ndarray, weights: np.ndarray, n_causes: int, least: int) -> _FollowUpLaw:
        """The law of patients with these times, causes and weights (n,), with `least` patients to a piece."""
        order = _ended(time, cause)
        held, ended = weights[order], cause[order]
        starts = [part.start for part in split(held, least)]
        sizes = np.add.reduceat(held, starts)
        edges = np.concatenate([[0.0], np.cumsum(sizes) / sizes.sum()])
        shares = np.column_stack(
            [np.add.reduceat(held * (ended == code), starts) / sizes for code in range(1, n_causes + 1)]
        )
        return cls(Quantiles.of(time, least, weights, whole_end=True), edges, shares)

    @classmethod
    def shared(
        cls, time: np.ndarray, cause: np.ndarray, weights: np.ndarray, n_causes: int, least: int
    ) -> _FollowUpLaw:
        """The law of one of several cells that share these patients; the laws of all add up to that of the patients.

        It is the law in which all patients count alike, with other shares of rows that ended early or late and by each
        cause: those of the weighted patients (n,). A small cell's own pieces would be so wide that the order of deaths
        and censored times within them was lost, and survival in the arm too good.
        """
        alike = cls.of(time, cause, np.ones(len(time)), n_causes, least)
        window = np.empty(len(time), dtype=int)
        parts = split(np.ones(len(time)), least)
        window[_ended(time, cause)] = np.repeat(np.arange(len(parts)), [p.stop - p.start for p in parts])
        late = window >= (len(parts) + 1) // 2 if len(parts) >= _HALVED else np.zeros(len(time), dtype=bool)
        mass = np.column_stack([1 - alike.causes.sum(axis=1), alike.causes]) * np.diff(alike.edges)[:, None]
        for half in (False, True):
            mine = np.unique(window[late == half])
            for states in _parted(cause[late == half], n_causes, least):
                held = weights[(late == half) & np.isin(cause, states)]
                mass[np.ix_(mine, np.array(states))] *= held.mean() if len(held) else 1.0
        edges = np.concatenate([[0.0], np.cumsum(mass.sum(axis=1))]) / mass.sum()
        times = replace(alike.times, edges=np.interp(alike.times.edges, alike.edges, edges))
        return cls(times, edges, mass[:, 1:] / mass.sum(axis=1, keepdims=True))

    @classmethod
    def of_shares(cls, shares: np.ndarray, ends: np.ndarray, decimals: int) -> _FollowUpLaw:
        """The law with these shares (k, causes + 1) of patients in intervals with these ends (k + 1,)."""
        ended = shares.sum(axis=1)
        held = ended > 0
        edges = np.concatenate([[0.0], np.cumsum(ended[held])])
        times = Quantiles.of_pieces(ended[held], ends[:-1][held], ends[1:][held], decimals)
        return cls(times, edges / edges[-1], shares[held, 1:] / ended[held, None])

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Times (n,) and causes (n,) by stratified sampling: one row in each of n equal parts of the law."""
        shares = (np.arange(n) + rng.random(n)) / n
        window = np.minimum(np.searchsorted(self.edges[1:], shares, side="right"), len(self.causes) - 1)
        left, cause = np.ones(n), np.zeros(n, dtype=int)
        for code in range(self.causes.shape[1]):
            along = self.causes[window, code]
            chance = np.where(cause == 0, np.divide(along, left, out=np.zeros(n), where=left > 1e-12), 0.0)
            cause[systematic_sample(np.minimum(np.maximum(chance, 0.0), 1.0), rng)] = code + 1
            left = left - along
        return self.times.rising(shares), cause

    def moved(self, mover: Mover, patients: float, spread: float) -> _FollowUpLaw:
        """The same law of so many patients, with times and causes moved by chance; see `Mover`."""
        even = np.linspace(0.0, 1.0, _WARPED + 1)
        warped = np.concatenate([[0.0], np.cumsum(mover(np.diff(even), patients, spread))[:-1], [1.0]])
        causes = np.column_stack([self.causes, 1 - self.causes.sum(axis=1)]).clip(0.0)
        sizes = np.diff(self.edges) * patients
        moved = [mover(shares, size, spread) for shares, size in zip(causes, sizes, strict=True)]
        times = replace(self.times, edges=np.interp(self.times.edges, even, warped))
        return _FollowUpLaw(times, np.interp(self.edges, even, warped), np.array(moved)[:, :-1])

    def to_dict(self) -> dict[str, Any]:
        return {"times": self.times.to_dict(), "edges": self.edges.tolist(), "causes": self.causes.tolist()}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> _FollowUpLaw:
        return cls(Quantiles.from_dict(facts["times"]), np.array(facts["edges"]), np.array(facts["causes"]))


def systematic_sample(chance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows (n,) picked with these probabilities (n,) by systematic sampling: their number varies by at most one."""
    steps = np.floor(np.cumsum(chance) + rng.random())
    return steps > np.append(0.0, steps[:-1])


def _ended(time: np.ndarray, cause: np.ndarray) -> np.ndarray:
    """The order (n,) in which follow-up ended: by time, and at one time events before censored ones."""
    first = np.concatenate([np.flatnonzero(cause), np.flatnonzero(cause == 0)])
    return np.asarray(first[rising(time[first])])


def _parted(cause: np.ndarray, n_causes: int, least: int) -> list[list[int]]:
    """The causes, 0 among them, in parts that `least` patients (n,) or more have: rare ones join the most frequent."""
    counts = np.bincount(cause, minlength=n_causes + 1)
    most = int(np.argmax(counts))
    rare = [state for state in range(n_causes + 1) if counts[state] < least and state != most]
    return [[most, *rare], *([state] for state in range(n_causes + 1) if state != most and state not in rare)]


def _positions(parts: list[np.ndarray]) -> list[np.ndarray]:
    """The positions of each part's members in the order that was split."""
    ends = np.cumsum([len(part) for part in parts])
    return [np.arange(end - len(part), end) for part, end in zip(parts, ends, strict=True)]


@dataclass(frozen=True)
class Outcome:
    """The law of the primary endpoint: a `_FollowUpLaw` for each cell, and the scores that covariates depend on.

    Attributes
    ----------
    endings : tuple of FollowUpLaw    one a cell
    grid : array (g,)                 times, each the mean of several patients' times
    hazards : array (g, causes)       cumulative cause-specific hazard at these times (Nelson-Aalen)
    shares : array (g,)               share of patients whose follow-up has ended by these times
    """

    endings: tuple[_FollowUpLaw, ...]
    grid: np.ndarray
    hazards: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(
        cls,
        time: np.ndarray,
        cause: np.ndarray,
        cells: Cells,
        cell: np.ndarray,
        least: int = MIN_PATIENTS,
        chance: np.ndarray | None = None,
        arm: str | None = None,
    ) -> Outcome:
        """The law of patients with these times, causes and cells (n,), with `least` patients to a piece.

        Small cells share patients within their level of the column `arm`, if one is named.

        With weights by chance (n,), no patient of a small cell counts more in its law than others do.
        """
        knots = least if chance is None else MIN_PATIENTS
        n_causes, apart = max(1, int(cause.max())), chance is None
        if chance is None:
            shared = (cells.borrowed(_POOL * least, arm) / cells.counts)[:, cell]
            chance = np.ones(len(time))
        else:
            shared = cells.pooled(cell, _POOL * least) * chance
        endings = []
        for weights in shared:
            rows = weights > 0
            law = _FollowUpLaw.shared if apart and np.ptp(weights[rows]) > 0 else _FollowUpLaw.of
            endings.append(law(time[rows], cause[rows], weights[rows], n_causes, least))
        order = rising(time)
        parts = np.array_split(order, max(1, min(GRID, len(time) // knots)))
        held = chance[order]
        upto = np.cumsum(held)
        at_risk = np.maximum(upto[-1] - upto + held, 1e-9)
        steps = [np.cumsum(held * (cause[order] == code) / at_risk) for code in range(1, n_causes + 1)]
        hazards = [[float(step[order_of].mean()) for step in steps] for order_of in _positions(parts)]
        shares = [float((upto - held / 2)[order_of].mean() / upto[-1]) for order_of in _positions(parts)]
        middles = np.array([time[part].mean() for part in parts])
        return cls(tuple(endings), middles, np.array(hazards), np.array(shares))

    @classmethod
    def of_shares(cls, shares: np.ndarray, weights: np.ndarray, ends: np.ndarray, decimals: int) -> Outcome:
        """The law under which each cell has these shares of patients in intervals of time.

        Parameters
        ----------
        shares : array (c, k, causes + 1)   by cell, interval and cause, 0 for censored; those of a cell sum to 1
        weights : array (c,)                share of all patients in each cell
        ends : array (k + 1,)               of the intervals
        """
        endings = tuple(_FollowUpLaw.of_shares(held, ends, decimals) for held in shares)
        whole = np.einsum("c,ckj->kj", weights / weights.sum(), shares)
        ended = whole.sum(axis=1)
        upto = np.cumsum(ended)
        at_risk = np.maximum(1 - upto + ended / 2, 1e-9)  # those who end within an interval do so halfway on average
        hazards = np.cumsum(whole[:, 1:] / at_risk[:, None], axis=0)
        middles = np.clip(upto - ended / 2, _OUTERMOST, 1 - _OUTERMOST)  # an empty first interval has no normal score
        return cls(endings, (ends[:-1] + ends[1:]) / 2, hazards, middles)

    def draw(self, cell: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Times and causes for rows in these cells (n,)."""
        time, cause = np.empty(len(cell)), np.zeros(len(cell), dtype=int)
        for index in np.unique(cell):
            rows = np.flatnonzero(cell == index)
            drawn = self.endings[index].draw(len(rows), rng)
            mixed = rng.permutation(len(rows))
            time[rows], cause[rows] = drawn[0][mixed], drawn[1][mixed]
        decimals = self.endings[0].times.decimals
        return np.maximum(time, 0.0 if decimals is None else 10.0**-decimals), cause

    def moved(self, mover: Mover, patients: np.ndarray, spread: float) -> Outcome:
        """The same law of cells with so many patients (c,), with times and causes moved by chance; see `Mover`."""
        found = [
            ending.moved(mover, float(count), spread) for ending, count in zip(self.endings, patients, strict=True)
        ]
        return replace(self, endings=tuple(found))

    def scores(self, time: np.ndarray, cause: np.ndarray) -> np.ndarray:
        """Scores (n, causes + 2) of the outcome: martingale residuals, the event indicator, normal score of the time.

        The correlation of a covariate with the martingale residual is its score in a Cox model at no effect. A
        generator that keeps it keeps the log hazard ratio to first order.
        """
        from scipy.special import ndtri

        hazards = [
            np.interp(time, np.concatenate([[0.0], self.grid]), np.concatenate([[0.0], column]))
            for column in self.hazards.T
        ]
        residuals = [(cause == code + 1) - hazard for code, hazard in enumerate(hazards)]
        when = ndtri(np.clip(np.interp(time, self.grid, self.shares), self.shares[0] / 2, (1 + self.shares[-1]) / 2))
        return np.column_stack([*residuals, cause > 0, when]).astype(float)

    def to_dict(self) -> dict[str, Any]:
        return {
            "endings": [ending.to_dict() for ending in self.endings],
            "grid": self.grid.tolist(),
            "hazards": self.hazards.tolist(),
            "shares": self.shares.tolist(),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Outcome:
        return cls(
            tuple(map(_FollowUpLaw.from_dict, facts["endings"])),
            np.array(facts["grid"]),
            np.array(facts["hazards"]),
            np.array(facts["shares"]),
        )


def scores_of(
    cells: Cells, outcome: Outcome | None, cell: np.ndarray, time: np.ndarray, cause: np.ndarray
) -> np.ndarray:
    """The scores (n, q) that columns depend on: indicators of cells, then the scores of the outcome."""
    indicators = cells.indicators(cell)
    return indicators if outcome is None else np.column_stack([indicators, outcome.scores(time, cause)])
