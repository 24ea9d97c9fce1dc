"""An economic evaluation: what every arm costs and does, how sure one is, and its export to other tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.display import Card
from heorsynth.core.errors import NotEstimableError, OutputError, Problem, unknown_name
from heorsynth.core.estimate import significant
from heorsynth.core.random import stream
from heorsynth.estimators.economics.arms import ArmMeans
from heorsynth.estimators.economics.frontier import frontier
from heorsynth.estimators.economics.increments import Increments, checked_threshold
from heorsynth.estimators.economics.options import acceptability_frontier, best, perfect_information, probability_best

DRAWS, PRECISE = 1000, 20_000
"""Draws handed to other tools, and those that probabilities of three arms or more are counted from."""

EFFECTS, COSTS = "effects.csv", "costs.csv"
"""The two files of `to_bcea`."""


@dataclass(frozen=True)
class EconomicEvaluation:
    """Mean cost and effect of each arm, with their joint sampling covariance.

    Attributes
    ----------
    arms : tuple of str            the comparator first
    cost, effect : str             columns that were added up, and the effect
    estimated : ArmMeans           means, covariance and its parts, patients used and in all
    unit : str                     of cost, such as "EUR 2024"
    notes : tuple of str           what is assumed of missing outcomes, and what is odd about the columns
    sample : array (d, a, 2)       bootstrap draws of the means, where they were asked for
    effect_unit : str              of the effect, such as "QALY"; empty where its column names none
    """

    arms: tuple[str, ...]
    cost: str
    effect: str
    estimated: ArmMeans
    unit: str
    notes: tuple[str, ...] = ()
    sample: np.ndarray | None = None
    effect_unit: str = ""

    @property
    def means(self) -> np.ndarray:
        """Mean cost and mean effect of each arm (a, 2)."""
        return self.estimated.means

    @property
    def covariance(self) -> np.ndarray:
        """Of the means (2a, 2a): cost and effect of the first arm, then of the second, ..."""
        return self.estimated.covariance

    @property
    def n_used(self) -> int:
        """Patients it rests on with both outcomes known."""
        return self.estimated.n_used

    @property
    def n_total(self) -> int:
        """Patients it rests on."""
        return self.estimated.n_total

    def increments(self, arm: str | None = None) -> Increments:
        """What an arm costs and does more than the comparator; the arm is named where there are several.

        Raises
        ------
        NotEstimableError      no arm named, and two or more stand against the comparator
        UnknownNameError       an arm that is not there, or the comparator
        """
        others = self.arms[1:]
        if arm is None and len(others) > 1:
            found = f"{len(others)} arms stand against {self.arms[0]!r}"
            raise NotEstimableError("increments", Problem("arm", found, f"name one: increments({others[0]!r})"))
        name = others[0] if arm is None else arm
        if name not in others:
            raise unknown_name("arm", name, others)
        return replace(self.estimated.increments(self.arms.index(name)), effect_unit=self.effect_unit)

    def best(self, wtp: float | Sequence[float]) -> pd.Series:
        """The arm of the largest expected net benefit at each threshold: the decision."""
        wtps = _thresholds(wtp)
        return pd.Series([self.arms[place] for place in best(self.means, wtps)], pd.Index(wtps, name="wtp"), name="arm")

    def ceac(self, wtp: float | Sequence[float]) -> pd.DataFrame:
        """Probability that each arm is worth most, one row a threshold: acceptability curves of all arms.

        By the bootstrap draws where there are any; else the normal law, for three arms or more by 20,000 draws.
        """
        wtps = _thresholds(wtp)
        if self.sample is None and len(self.arms) == 2:
            second = self.increments().ceac(wtps)
            found = np.column_stack([1 - second, second])
        else:
            found = probability_best(self._precise(), wtps)
        return pd.DataFrame(found, pd.Index(wtps, name="wtp"), list(self.arms))

    def ceaf(self, wtp: float | Sequence[float]) -> pd.DataFrame:
        """The acceptability frontier, one row a threshold: the arm worth most on average, and its probability."""
        wtps = _thresholds(wtp)
        if self.sample is None and len(self.arms) == 2:
            curves, place = self.ceac(wtps).to_numpy(), best(self.means, wtps)
            probability = curves[np.arange(len(place)), place]
        else:
            place, probability = acceptability_frontier(self._precise(), wtps)
        chosen = [self.arms[one] for one in place]
        return pd.DataFrame({"arm": chosen, "probability": probability}, pd.Index(wtps, name="wtp"))

    def evpi(self, wtp: float | Sequence[float]) -> pd.Series:
        """Expected value of perfect information about all arms, in money per patient, at each threshold."""
        wtps = _thresholds(wtp)
        if self.sample is None and len(self.arms) == 2:
            found = np.array([self.increments().evpi(at) for at in wtps])
        else:
            found = perfect_information(self._precise(), wtps)
        return pd.Series(found, pd.Index(wtps, name="wtp"), name="EVPI")

    def _precise(self) -> np.ndarray:
        return self._drawn(PRECISE, 1) if self.sample is None else self.sample

    def _drawn(self, draws: int | None, seed: int) -> np.ndarray:
        """Draws (d, a, 2) of the means: the bootstrap's, or of their normal law."""
        if self.sample is not None:
            if draws is not None and draws > len(self.sample):
                fix = f"evaluate(…, bootstrap={draws})"
                raise NotEstimableError("draws", Problem("draws", f"{len(self.sample)} bootstrap samples held", fix))
            return self.sample[:draws]
        rng, size = stream(seed, "economic evaluation", "draws"), DRAWS if draws is None else draws
        found = rng.multivariate_normal(self.means.ravel(), self.covariance, size=size, method="eigh")
        return found.reshape(size, len(self.arms), 2)

    def to_frame(self, wtp: float | Sequence[float] = ()) -> pd.DataFrame:
        """One row an arm: means, increments over the comparator, ratio in words, net benefit at each threshold,
        and its place on the frontier of all arms."""
        wtps = _thresholds(wtp)
        status, ratio = frontier(self.means[:, 0], self.means[:, 1])
        rows: list[dict[str, object]] = []
        for place, arm in enumerate(self.arms):
            row: dict[str, object] = {"arm": arm, self.cost: self.means[place, 0], self.effect: self.means[place, 1]}
            if place:
                more = self.increments(arm)
                row |= {"incremental cost": more.cost, "incremental effect": more.effect, "ICER": str(more.icer())}
                row |= {f"INMB at {significant(at)}": str(more.inmb(at, unit=self.unit)) for at in wtps}
            rows.append({**row, "frontier": status[place], "ratio along the frontier": ratio[place]})
        return pd.DataFrame(rows).set_index("arm")

    def plane(self, arm: str | None = None, draws: int | None = None, seed: int = 1) -> pd.DataFrame:
        """Draws of incremental cost and effect, one row each: the cost-effectiveness plane."""
        place = 1 if arm is None and len(self.arms) == 2 else self.arms.index(self._other(arm))
        found = self._drawn(draws, seed)
        return pd.DataFrame(found[:, place] - found[:, 0], columns=["cost", "effect"])

    def _other(self, arm: str | None) -> str:
        self.increments(arm)
        return self.arms[1] if arm is None else arm

    def draws(self, draws: int | None = None, seed: int = 1) -> pd.DataFrame:
        """Probabilistic draws of the arms' means: of their joint normal law (1,000), or the bootstrap's.

        Returns
        -------
        DataFrame      one row an arm and draw: `intervention`, `iteration`, `cost`, `qaly`
        """
        found = self._drawn(draws, seed)
        return pd.DataFrame({
            "intervention": np.tile(self.arms, len(found)),
            "iteration": np.repeat(np.arange(len(found)), len(self.arms)),
            "cost": found[:, :, 0].ravel(), "qaly": found[:, :, 1].ravel(),
        })  # fmt: skip

    def to_bcea(self, folder: str | Path | None = None, draws: int | None = None, seed: int = 1) -> dict[str, Any]:
        """What R's ``bcea(e, c, ref, interventions)`` takes: matrices (draws, arms), the reference counted from 1.

        Parameters
        ----------
        folder : path, optional    also written there as `effects.csv` and `costs.csv`, one column an arm

        Returns
        -------
        dict      e, c (DataFrame), ref, interventions; in R:
                  ``bcea(as.matrix(read.csv("effects.csv", check.names = FALSE)), as.matrix(read.csv("costs.csv",
                  check.names = FALSE)), ref = 1)``

        Raises
        ------
        OutputError      a folder that is not there
        """
        found, order = self._drawn(draws, seed), list(self.arms)
        effects, costs = (pd.DataFrame(found[:, :, part], columns=order) for part in (1, 0))
        if folder is not None:
            if not Path(folder).is_dir():
                raise OutputError("to_bcea", Problem("folder", "is not there", "make it first"))
            effects.to_csv(Path(folder) / EFFECTS, index=False)
            costs.to_csv(Path(folder) / COSTS, index=False)
        return {"e": effects, "c": costs, "ref": 1, "interventions": order}

    def to_heormodel(self, draws: int | None = None, seed: int = 1) -> Any:
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
        """The arms in a table, with how many patients it rests on and what it assumes."""
        frame = self.to_frame().reset_index()
        shown = tuple(
            tuple(_shown(value) for value in row) for row in frame.astype(object).itertuples(index=False, name=None)
        )
        patients = f"{self.n_total:,} patients" if self.n_used == self.n_total else (
            f"{self.n_used:,} of {self.n_total:,} patients with both known"
        )  # fmt: skip
        foot = f"{self.cost} in {self.unit or 'money'} and {self.effect} per patient; {patients}."
        return Card("Economic evaluation", tuple(map(str, frame.columns)), shown, " ".join([foot, *self.notes]))

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def _thresholds(wtp: float | Sequence[float]) -> tuple[float, ...]:
    """One threshold or several as numbers from 0 up, each once."""
    given = list(wtp) if isinstance(wtp, (Sequence, np.ndarray)) and not isinstance(wtp, str) else [wtp]
    return tuple(dict.fromkeys(checked_threshold(one) for one in given))


def _shown(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else significant(value)
    return "" if value is None else str(value)
