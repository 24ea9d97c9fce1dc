"""The result of an economic evaluation: costs and effects of the arms, their uncertainty, exports to other tools."""

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
"""Default number of draws for other tools; number of draws for probabilities with three or more arms."""

EFFECTS, COSTS = "effects.csv", "costs.csv"
"""Names of the two files of `to_bcea`."""


@dataclass(frozen=True)
class EconomicEvaluation:
    """Mean cost and effect of each arm, with their joint sampling covariance.

    Attributes
    ----------
    arms : tuple of str            the comparator first
    cost, effect : str             names of the cost columns and of the effect column
    estimated : ArmMeans           means, their covariance, numbers of patients used and in total
    unit : str                     unit of the cost, such as "EUR 2024"
    notes : tuple of str           assumptions on missing outcomes, and unusual values in the columns
    sample : array (d, a, 2)       bootstrap draws of the means; None without a bootstrap
    effect_unit : str              unit of the effect, such as "QALY"; "" if its column does not name it
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
        """Covariance of the means (2a, 2a): cost and effect of the first arm, then of the second, and so on."""
        return self.estimated.covariance

    @property
    def n_used(self) -> int:
        """Number of patients with known cost and effect."""
        return self.estimated.n_used

    @property
    def n_total(self) -> int:
        """Number of patients."""
        return self.estimated.n_total

    def increments(self, arm: str | None = None) -> Increments:
        """Incremental cost and effect of an arm over the comparator.

        Parameters
        ----------
        arm : str, optional    may be left out if only one arm is compared with the comparator

        Raises
        ------
        NotEstimableError      no arm is given, and two or more arms are compared with the comparator
        UnknownNameError       the arm does not exist, or is the comparator
        """
        others = self.arms[1:]
        if arm is None and len(others) > 1:
            found = f"{len(others)} arms are compared with {self.arms[0]!r}"
            raise NotEstimableError("increments", Problem("arm", found, f"name one: increments({others[0]!r})"))
        name = others[0] if arm is None else arm
        if name not in others:
            raise unknown_name("arm", name, others)
        return replace(self.estimated.increments(self.arms.index(name)), effect_unit=self.effect_unit)

    def best(self, wtp: float | Sequence[float]) -> pd.Series:
        """The arm with the largest expected net benefit at each threshold."""
        wtps = _thresholds(wtp)
        return pd.Series([self.arms[place] for place in best(self.means, wtps)], pd.Index(wtps, name="wtp"), name="arm")

    def ceac(self, wtp: float | Sequence[float]) -> pd.DataFrame:
        """Probability that each arm has the largest net benefit, one row per threshold (acceptability curves).

        Computed from the bootstrap draws if there are any; else from the normal distribution, for three or more arms by
        20,000 draws.
        """
        wtps = _thresholds(wtp)
        if self.sample is None and len(self.arms) == 2:
            second = self.increments().ceac(wtps)
            probabilities = np.column_stack([1 - second, second])
        else:
            probabilities = probability_best(self._precise(), wtps)
        return pd.DataFrame(probabilities, pd.Index(wtps, name="wtp"), list(self.arms))

    def ceaf(self, wtp: float | Sequence[float]) -> pd.DataFrame:
        """Acceptability frontier, one row per threshold: the arm with the largest net benefit, and its probability."""
        wtps = _thresholds(wtp)
        if self.sample is None and len(self.arms) == 2:
            curves, place = self.ceac(wtps).to_numpy(), best(self.means, wtps)
            probability = curves[np.arange(len(place)), place]
        else:
            place, probability = acceptability_frontier(self._precise(), wtps)
        chosen = [self.arms[one] for one in place]
        return pd.DataFrame({"arm": chosen, "probability": probability}, pd.Index(wtps, name="wtp"))

    def evpi(self, wtp: float | Sequence[float]) -> pd.Series:
        """Expected value of perfect information on all arms at each threshold, in the unit of cost per patient."""
        wtps = _thresholds(wtp)
        if self.sample is None and len(self.arms) == 2:
            values = np.array([self.increments().evpi(at) for at in wtps])
        else:
            values = perfect_information(self._precise(), wtps)
        return pd.Series(values, pd.Index(wtps, name="wtp"), name="EVPI")

    def _precise(self) -> np.ndarray:
        return self._drawn(PRECISE, 1) if self.sample is None else self.sample

    def _drawn(self, draws: int | None, seed: int) -> np.ndarray:
        """Draws (d, a, 2) of the means: bootstrap draws, or draws from their normal distribution."""
        if self.sample is not None:
            if draws is not None and draws > len(self.sample):
                fix = f"evaluate(…, bootstrap={draws})"
                raise NotEstimableError("draws", Problem("draws", f"there are {len(self.sample)} bootstrap draws", fix))
            return self.sample[:draws]
        rng, size = stream(seed, "economic evaluation", "draws"), DRAWS if draws is None else draws
        sample = rng.multivariate_normal(self.means.ravel(), self.covariance, size=size, method="eigh")
        return sample.reshape(size, len(self.arms), 2)

    def to_frame(self, wtp: float | Sequence[float] = ()) -> pd.DataFrame:
        """One row per arm: means, increments over the comparator, ICER, net benefit at each threshold, place on the
        frontier."""
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
        """Draws of incremental cost and effect, one row per draw (cost-effectiveness plane)."""
        place = 1 if arm is None and len(self.arms) == 2 else self.arms.index(self._other(arm))
        sample = self._drawn(draws, seed)
        return pd.DataFrame(sample[:, place] - sample[:, 0], columns=["cost", "effect"])

    def _other(self, arm: str | None) -> str:
        self.increments(arm)
        return self.arms[1] if arm is None else arm

    def draws(self, draws: int | None = None, seed: int = 1) -> pd.DataFrame:
        """Draws of the means of the arms: 1,000 from their joint normal distribution, or the bootstrap draws.

        Returns
        -------
        DataFrame      one row per arm and draw: `intervention`, `iteration`, `cost`, `qaly`
        """
        sample = self._drawn(draws, seed)
        return pd.DataFrame({
            "intervention": np.tile(self.arms, len(sample)),
            "iteration": np.repeat(np.arange(len(sample)), len(self.arms)),
            "cost": sample[:, :, 0].ravel(), "qaly": sample[:, :, 1].ravel(),
        })  # fmt: skip

    def to_bcea(self, folder: str | Path | None = None, draws: int | None = None, seed: int = 1) -> dict[str, Any]:
        """Arguments of R's ``bcea(e, c, ref, interventions)``: matrices (draws, arms); the reference counts from 1.

        Parameters
        ----------
        folder : path, optional    the matrices are also written there, as `effects.csv` and `costs.csv`

        Returns
        -------
        dict      e, c (DataFrame), ref, interventions; in R:
                  ``bcea(as.matrix(read.csv("effects.csv", check.names = FALSE)), as.matrix(read.csv("costs.csv",
                  check.names = FALSE)), ref = 1)``

        Raises
        ------
        OutputError      the folder does not exist
        """
        sample, order = self._drawn(draws, seed), list(self.arms)
        effects, costs = (pd.DataFrame(sample[:, :, part], columns=order) for part in (1, 0))
        if folder is not None:
            if not Path(folder).is_dir():
                raise OutputError("to_bcea", Problem("folder", "does not exist", "create it first"))
            effects.to_csv(Path(folder) / EFFECTS, index=False)
            costs.to_csv(Path(folder) / COSTS, index=False)
        return {"e": effects, "c": costs, "ref": 1, "interventions": order}

    def to_heormodel(self, draws: int | None = None, seed: int = 1) -> Any:
        """The draws as ``heormodel.models.Outcomes``, for tables, curves and value of information in heormodel.

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
        """The arms in a table, with the number of patients and the assumptions."""
        frame = self.to_frame().reset_index()
        rows = tuple(
            tuple(_as_text(value) for value in row) for row in frame.astype(object).itertuples(index=False, name=None)
        )
        patients = f"{self.n_total:,} patients" if self.n_used == self.n_total else (
            f"{self.n_used:,} of {self.n_total:,} patients with known cost and effect"
        )  # fmt: skip
        foot = f"{self.cost} in {self.unit or 'money'} and {self.effect} per patient; {patients}."
        return Card("Economic evaluation", tuple(map(str, frame.columns)), rows, " ".join([foot, *self.notes]))

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def _thresholds(wtp: float | Sequence[float]) -> tuple[float, ...]:
    """One threshold or several, as distinct numbers of at least 0."""
    given = list(wtp) if isinstance(wtp, (Sequence, np.ndarray)) and not isinstance(wtp, str) else [wtp]
    return tuple(dict.fromkeys(checked_threshold(one) for one in given))


def _as_text(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else significant(value)
    return "" if value is None else str(value)
