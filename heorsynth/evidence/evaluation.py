"""An economic evaluation of patients, or of synthetic cohorts pooled so that they claim no more than their patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.checks.evaluation import evaluations
from heorsynth.core.display import Card
from heorsynth.core.errors import NotEstimableError, Problem, RoleError, unknown_name
from heorsynth.core.estimate import significant
from heorsynth.core.random import stream
from heorsynth.data.cohort import Cohort
from heorsynth.estimators.economics import Increments, pooled_means
from heorsynth.estimators.frontier import frontier

DRAWS = 1000


@dataclass(frozen=True)
class EconomicEvaluation:
    """Mean cost and effect of each arm, with their joint sampling covariance.

    Attributes
    ----------
    arms : tuple of str            the comparator first
    cost, effect : str             columns that were added up, and the effect
    means : array (a, 2)           mean cost and mean effect of each arm
    covariance : array (2a, 2a)    of the means: cost and effect of the first arm, then of the second, ...
    n_used, n_total : int          patients it rests on with both known, and patients there were
    freedom : float                degrees of freedom of a net benefit's t reference
    unit : str                     of cost, such as "EUR 2024"
    """

    arms: tuple[str, ...]
    cost: str
    effect: str
    means: np.ndarray
    covariance: np.ndarray
    n_used: int
    n_total: int
    freedom: float
    unit: str

    def increments(self, arm: str | None = None) -> Increments:
        """What an arm (the second by default) costs and does more than the comparator."""
        name = self.arms[1] if arm is None else arm
        if name not in self.arms[1:]:
            raise unknown_name("arm", name, self.arms[1:])
        place = self.arms.index(name)
        contrast = np.zeros((2, 2 * len(self.arms)))
        contrast[[0, 1], [2 * place, 2 * place + 1]] = 1.0
        contrast[[0, 1], [0, 1]] = -1.0
        cost, effect = contrast @ self.means.ravel()
        covariance = contrast @ self.covariance @ contrast.T
        return Increments(float(cost), float(effect), covariance, self.n_used, self.n_total, self.freedom)

    def to_frame(self, wtp: Sequence[float] = ()) -> pd.DataFrame:
        """One row an arm: means, increments over the comparator, ratio in words, net benefit at each threshold,
        and its place on the frontier of all arms."""
        status, ratio = frontier(self.means[:, 0], self.means[:, 1])
        rows: list[dict[str, object]] = []
        for place, arm in enumerate(self.arms):
            row: dict[str, object] = {"arm": arm, self.cost: self.means[place, 0], self.effect: self.means[place, 1]}
            if place:
                more = self.increments(arm)
                row |= {"incremental cost": more.cost, "incremental effect": more.effect, "ICER": str(more.icer())}
                row |= {f"INMB at {significant(at)}": str(more.inmb(at, unit=self.unit)) for at in wtp}
            rows.append({**row, "frontier": status[place], "ratio along the frontier": ratio[place]})
        return pd.DataFrame(rows).set_index("arm")

    def draws(self, draws: int = DRAWS, seed: int = 1) -> pd.DataFrame:
        """Probabilistic draws of the arms' means from their joint normal law.

        Returns
        -------
        DataFrame      one row an arm and draw: `intervention`, `iteration`, `cost`, `qaly`
        """
        rng = stream(seed, "economic evaluation", "draws")
        found = rng.multivariate_normal(self.means.ravel(), self.covariance, size=draws, method="eigh")
        found = found.reshape(draws, len(self.arms), 2)
        return pd.DataFrame({
            "intervention": np.tile(self.arms, draws), "iteration": np.repeat(np.arange(draws), len(self.arms)),
            "cost": found[:, :, 0].ravel(), "qaly": found[:, :, 1].ravel(),
        })  # fmt: skip

    def to_bcea(self, draws: int = DRAWS, seed: int = 1) -> dict[str, Any]:
        """What R's ``bcea(e, c, ref, interventions)`` takes: matrices (draws, arms), the reference counted from 1."""
        wide = self.draws(draws, seed).pivot(index="iteration", columns="intervention")[["qaly", "cost"]]
        order = list(self.arms)
        return {"e": wide["qaly"][order], "c": wide["cost"][order], "ref": 1, "interventions": order}

    def to_heormodel(self, draws: int = DRAWS, seed: int = 1) -> Any:
        """The draws as ``heormodel.models.Outcomes``, for its tables, curves and value of information.

        Raises
        ------
        NotEstimableError      heormodel is not installed
        """
        try:
            from heormodel.models import Outcomes
        except ImportError as error:
            fix = "pip install 'heorsynth[models]'"
            raise NotEstimableError("heormodel", Problem("", "is not installed", fix)) from error
        return Outcomes.from_tidy(self.draws(draws, seed), comparator=self.arms[0])

    def card(self) -> Card:
        """The arms in a table."""
        frame = self.to_frame().reset_index()
        shown = tuple(
            tuple(_shown(value) for value in row) for row in frame.astype(object).itertuples(index=False, name=None)
        )
        foot = f"{self.cost} in {self.unit or 'money'} and {self.effect} per patient; {self.n_used:,} patients."
        return Card("Economic evaluation", tuple(map(str, frame.columns)), shown, foot)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def _shown(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else significant(value)
    return "" if value is None else str(value)


def evaluate(
    rows: Cohort | Sequence[Cohort],
    *,
    comparator: str | None = None,
    cost: str | None = None,
    effect: str | None = None,
) -> EconomicEvaluation:
    """Mean cost and effect of every arm, of patients or of synthetic cohorts.

    Parameters
    ----------
    rows : Cohort or sequence      patients; or synthetic cohorts with their labels, which are pooled
    comparator : str               the reference arm by default
    cost : str                     a cost column; by default the total, or the sum of those that are part of no total
    effect : str                   a utility column; needed where there are several

    Raises
    ------
    RoleError                      no arm, cost or utility declared; synthetic cohorts without a label; two currencies
    NotEstimableError              an arm with fewer than two patients with both known; several effects, none named
    UnknownNameError               a comparator, cost or effect that is not there

    Examples
    --------
    >>> from heorsynth.data.datasets import simulated_trial
    >>> evaluate(simulated_trial(200, seed=1)[0]).arms
    ('usual', 'new')
    """
    cohorts = [rows] if isinstance(rows, Cohort) else list(rows)
    if not cohorts:
        raise NotEstimableError("economic evaluation", Problem("rows", "no cohort"))
    first = cohorts[0]
    if missing := [role for role in ("arm", "costs", "utilities") if not getattr(first.schema, role)]:
        fix = "give them to hs.Cohort, or in the protocol's cohort section"
        raise RoleError("economic evaluation", Problem("roles", f"no {', '.join(missing)} declared", fix))
    if len(currencies := {cohort.schema.money for cohort in cohorts}) > 1:
        fix = "convert costs to one currency and price year first"
        found = f"costs in {' and '.join(sorted(money or 'no currency' for money in currencies))}"
        raise RoleError("economic evaluation", Problem("currency", found, fix))
    asked = evaluations(first, {"comparator": comparator, "cost": cost, "effect": effect})
    if not asked:
        raise RoleError("economic evaluation", Problem("arm", "one arm", "a comparison needs two"))
    arms = (asked[0].comparator, *(one.treatment for one in asked))
    parts = [[_arm(one.parts(cohort)) for one in asked] for cohort in cohorts]
    points = np.array([_stacked([means for means, _, _ in found]) for found in parts])
    covariances = np.array([_blocks([spread for _, spread, _ in found]) for found in parts])
    known = min(sum(sizes[1] for _, _, sizes in found) + found[0][2][0] for found in parts)
    named = " + ".join(asked[0].costs), asked[0].effect
    if isinstance(rows, Cohort) and not rows.synthetic:
        means, covariance, used, total = points[0], covariances[0], known, first.n
    else:
        labels = [cohort.label for cohort in cohorts]
        if any(label is None for label in labels):
            fix = "keep the cohorts as `sample` or `hs.read` gave them"
            raise RoleError(
                "economic evaluation", Problem("rows", "synthetic cohorts without a label cannot be pooled", fix)
            )
        used = total = min(label.rests_on for label in labels if label is not None)
        means, covariance = pooled_means(points, covariances, used, first.n)
    freedom = float(max(used - 2, 1))
    return EconomicEvaluation(arms, *named, means.reshape(-1, 2), covariance, used, total, freedom, first.schema.money)


Moments = tuple[np.ndarray, np.ndarray, tuple[int, int]]


def _arm(parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> Moments:
    """Means (4,) and covariance (2, 2, 2) of the comparator and of one other arm, and their sizes."""
    both = [np.column_stack(pair) for pair in parts.values()]
    means = np.array([rows.mean(axis=0) for rows in both])
    spread = np.array([np.cov(rows.T, ddof=1) / len(rows) for rows in both])
    return means, spread, (len(both[0]), len(both[1]))


def _stacked(found: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([found[0][0], *(means[1] for means in found)])


def _blocks(found: list[np.ndarray]) -> np.ndarray:
    blocks = [found[0][0], *(spread[1] for spread in found)]
    whole = np.zeros((2 * len(blocks), 2 * len(blocks)))
    for place, block in enumerate(blocks):
        whole[2 * place : 2 * place + 2, 2 * place : 2 * place + 2] = block
    return whole
