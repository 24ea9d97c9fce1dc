"""Calibration: moves drawn values until mean costs and utilities, or restricted mean survival, have given values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.errors import GeneratorError, Problem, nearest
from heorsynth.core.numbers import is_number
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.schema import Schema
from heorsynth.data.labels import facts
from heorsynth.estimators.survival.estimates import rmst
from heorsynth.generators.sampling.formats import decimals_of

_ALL = "all"
"""The group of an estimand that is calibrated for all rows together."""

_HORIZON = 0.8
"""The horizon of the restricted mean: at it, this share of patients has ended follow-up."""

_LARGEST = 2.0
"""Largest factor by which values are scaled, and the inverse of the smallest."""

_ROUNDS = 30

_CLOSE = 1e-7
"""Relative distance within which a value is met and no row is changed."""

TOLERANCE = 0.002
"""Largest relative distance from its value at which an estimand counts as met."""

_MEETS = {
    "costs": facts.MEAN_COSTS,
    "utilities": facts.MEAN_EFFECTS,
    "survival": facts.RESTRICTED_MEANS,
}
"""Kind of aim to the fact that is no evidence of fidelity once it is met."""

_MEANS = ("costs", "utilities")
"""Roles whose means can be calibrated."""

CalibrationRequest = Mapping[str, object] | Sequence[str]


@dataclass(frozen=True)
class Aim:
    """One estimand and the value each group of rows is to have.

    Attributes
    ----------
    kind : str           "costs", "utilities" or "survival"
    column : str         the column, or the endpoint
    by : str or None     the arm or subgroup whose levels are met one by one
    values : Mapping     level, or `_ALL`, to the value
    horizon : float      of a restricted mean; 0 otherwise
    source : bool        True where the values are the source's own, False where they were published elsewhere
    """

    kind: str
    column: str
    by: str | None
    values: Mapping[str, float]
    horizon: float = 0.0
    source: bool = True

    def applied(self, frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
        """The rows, moved so that this estimand has its value in each group, to the rounding of the column.

        One factor a group multiplies the costs, so zeros stay zero; or the distance of utilities from their largest
        value, so full health stays; or the times of all endpoints, so their order stays (an accelerated-failure
        change).

        Raises
        ------
        GeneratorError      the value needs a factor beyond `_LARGEST`
        """
        found = frame.copy()
        for level, value in self.values.items():
            rows = self._rows(found, level)
            if len(rows):
                self._moved(found, rows, value, schema)
        return found

    def distance(self, frame: pd.DataFrame, schema: Schema) -> float:
        """The largest relative distance from its value, over the groups."""
        gaps = [0.0]
        for level, value in self.values.items():
            part = frame.iloc[self._rows(frame, level)]
            if len(part):
                columns = {name: part[name].to_numpy(float) for name in self._columns(schema)}
                gaps.append(abs(self._value(part, columns, schema) - value) / max(abs(value), 1e-9))
        return max(gaps)

    def _rows(self, frame: pd.DataFrame, level: str) -> np.ndarray:
        if self.by is None:
            return np.arange(len(frame))
        return np.flatnonzero(as_text(frame[self.by]).fillna("").to_numpy() == level)

    def _moved(self, frame: pd.DataFrame, rows: np.ndarray, value: float, schema: Schema) -> None:
        names = self._columns(schema)
        before = {name: frame[name].to_numpy(float)[rows] for name in names}
        decimals = {name: decimals_of(frame[name].dropna().to_numpy(float)) for name in names}
        low, high = 1 / _LARGEST, _LARGEST
        tops = {name: float(np.nanmax(column)) if self.kind == "utilities" else 0.0 for name, column in before.items()}

        def at(factor: float) -> dict[str, np.ndarray]:
            moved = {name: tops[name] + factor * (column - tops[name]) for name, column in before.items()}
            return {name: _rounded(column, decimals[name], self.kind) for name, column in moved.items()}

        rising = -1.0 if self.kind == "utilities" else 1.0
        frame_rows = frame.iloc[rows]
        if abs(self._value(frame_rows, before, schema) - value) <= _CLOSE * abs(value):
            return
        for _ in range(_ROUNDS):
            factor = (low * high) ** 0.5
            if rising * (self._value(frame_rows, at(factor), schema) - value) < 0:
                low = factor
            else:
                high = factor
        factor = (low * high) ** 0.5
        if factor > 0.999 * _LARGEST or factor < 1.001 / _LARGEST:
            fix = f"values are scaled by at most {_LARGEST:g}: check the unit, or draw more rows"
            raise GeneratorError("calibrate", Problem(self.name, f"{value:g} is out of reach", fix))
        for name, column in at(factor).items():
            whole = frame[name].to_numpy(float).copy()
            whole[rows] = column
            frame[name] = pd.Series(whole, index=frame.index).astype(frame[name].dtype)

    def _columns(self, schema: Schema) -> tuple[str, ...]:
        if self.kind == "survival":
            return (*schema.times, *((schema.entry,) if schema.entry else ()))
        return schema.totals.get(self.column, (self.column,))

    def _value(self, frame: pd.DataFrame, moved: Mapping[str, np.ndarray], schema: Schema) -> float:
        if self.kind != "survival":
            return float(np.nanmean(np.sum([moved[name] for name in self._columns(schema)], axis=0)))
        endpoint = schema.endpoints[self.column]
        entry = None if schema.entry is None else moved[schema.entry]
        return _restricted(moved[endpoint.time], frame[endpoint.event].to_numpy(int) == 1, self.horizon, entry)

    @property
    def name(self) -> str:
        """In the words of a request: "costs.mean of cost by arm"."""
        what = f"survival.{self.column}" if self.kind == "survival" else f"{self.kind}.mean of {self.column}"
        return what + (f" by {self.by}" if self.by else "")

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "values": dict(self.values)}


def aims_of(requested: CalibrationRequest, cohort: Cohort, least: int) -> tuple[Aim, ...]:
    """The estimands that every sample of this cohort is to meet.

    Parameters
    ----------
    requested : sequence or dict     ``["survival.os by arm", "costs.mean by arm", "utilities.mean of qaly"]``: the
                                  source's own values; as a dict, estimand to a published number, to
                                  ``{level: number}``, or to None for the source's own
    least : int                   patients a value must rest on to be written down

    Raises
    ------
    GeneratorError      an unknown estimand, column or level, or a group of too few patients
    """
    wanted = dict.fromkeys(requested) if not isinstance(requested, Mapping) else dict(requested)
    aims = tuple(aim for text, published in wanted.items() for aim in _aims(str(text), published, cohort, least))
    if len({aim.column for aim in aims if aim.kind == "survival"}) > 1:
        fix = "calibrate one: all follow-up is scaled together, so that the endpoints' order stays"
        raise GeneratorError("calibrate", Problem("survival", "more than one endpoint", fix))
    return aims


def calibrated(frame: pd.DataFrame, aims: Sequence[Aim], schema: Schema) -> pd.DataFrame:
    """The rows with every aim met. The aims are applied in turn, again and again, until all hold together.

    Raises
    ------
    GeneratorError      an aim cannot be met within `TOLERANCE`, alone or together with the others
    """
    found = frame
    for _ in range(_ROUNDS):
        for aim in aims:
            found = aim.applied(found, schema)
        if len(aims) == 1 or max(aim.distance(found, schema) for aim in aims) < TOLERANCE / 10:
            break
    missed = [aim for aim in aims if aim.distance(found, schema) > TOLERANCE]
    if missed:
        fix = "ask for fewer of them together, or draw more rows"
        problems = [
            Problem(aim.name, "not met: its column is too coarse, or the values contradict", fix) for aim in missed
        ]
        raise GeneratorError("calibrate", problems)
    return found


def facts_met(aims: Sequence[Aim]) -> tuple[str, ...]:
    """The facts that are no evidence of fidelity once these aims are met."""
    return tuple(sorted({_MEETS[aim.kind] for aim in aims}))


def aim_from_dict(facts: Mapping[str, Any]) -> Aim:
    """The aim `to_dict` wrote."""
    return Aim(**{**facts, "values": {str(level): float(value) for level, value in facts["values"].items()}})


def _aims(text: str, published: object, cohort: Cohort, least: int) -> list[Aim]:
    schema = cohort.schema
    what, _, by = (part.strip() for part in text.partition(" by "))
    estimand, _, column = (part.strip() for part in what.partition(" of "))
    group = _group(text, by, schema)
    if estimand.startswith("survival."):
        kind, names = "survival", [estimand.removeprefix("survival.")]
        known: Sequence[str] = tuple(schema.endpoints)
    elif estimand in [f"{role}.mean" for role in _MEANS]:
        kind = estimand.removesuffix(".mean")
        known = getattr(schema, kind)
        names = [column] if column else list(known)
    else:
        fix = "survival.ENDPOINT, costs.mean or utilities.mean, with 'of COLUMN' and 'by GROUP' where wanted"
        raise GeneratorError("calibrate", Problem(repr(text), "cannot be calibrated", fix))
    if not names or not set(names) <= set(known):
        fix = nearest(names[0], known) if names and known else f"declare {kind} for the cohort"
        raise GeneratorError("calibrate", Problem(repr(text), "not declared by the cohort", fix))
    if published is not None and len(names) > 1:
        fix = "name the column: 'costs.mean of cost by arm'"
        raise GeneratorError("calibrate", Problem(repr(text), "one value for several columns", fix))
    return [_aim(text, kind, name, group, published, cohort, least) for name in names]


def _group(text: str, by: str, schema: Schema) -> str | None:
    if not by:
        return None
    name = schema.arm if by == "arm" and "arm" not in schema.strata else by
    if name is None or name not in schema.strata:
        fix = nearest(by, schema.strata) if schema.strata else "declare an arm or subgroups"
        raise GeneratorError("calibrate", Problem(repr(text), f"{by!r} is no declared arm or subgroup", fix))
    return name


def _aim(text: str, kind: str, column: str, by: str | None, published: object, cohort: Cohort, least: int) -> Aim:
    groups = np.full(cohort.n, _ALL) if by is None else cohort.levels(by)
    levels = [str(level) for level in np.unique(groups) if level != ""]
    few = [level for level in levels if int((groups == level).sum()) < least]
    if few:
        fix = "calibrate by a coarser group"
        raise GeneratorError("calibrate", Problem(repr(text), f"a level has fewer than {least} patients", fix))
    horizon = 0.0
    if kind == "survival":
        time = cohort.outcome(column)[0]
        horizon = min(float(np.quantile(time, _HORIZON)), *(float(time[groups == level].max()) for level in levels))
    if published is not None:
        return Aim(kind, column, by, _published(text, published, by, levels), horizon, source=False)
    values = {level: _source_value(text, kind, column, cohort, groups == level, horizon, least) for level in levels}
    return Aim(kind, column, by, values, horizon)


def _published(text: str, published: object, by: str | None, levels: Sequence[str]) -> dict[str, float]:
    given = published if isinstance(published, Mapping) else {_ALL: published}
    stated = {str(level): value for level, value in given.items()}
    unknown = [level for level in stated if level not in levels]
    if unknown:
        fix = f"give {{level: value}} for levels of {by!r}" if by else "give one number"
        raise GeneratorError("calibrate", Problem(repr(text), "a published value for no level there is", fix))
    numbers = {level: float(value) for level, value in stated.items() if is_number(value) and value > 0}
    if len(numbers) < len(stated):
        raise GeneratorError(
            "calibrate", Problem(repr(text), "a published value is no number above 0", "write a number")
        )
    return numbers


def _source_value(
    text: str, kind: str, column: str, cohort: Cohort, rows: np.ndarray, horizon: float, least: int
) -> float:
    if kind != "survival":
        known = cohort.column(column)[rows].astype(float)
        if np.isnan(known).sum() > len(known) - least:
            fix = "calibrate by a coarser group"
            raise GeneratorError(
                "calibrate", Problem(repr(text), f"known for fewer than {least} patients of a level", fix)
            )
        return float(np.nanmean(known))
    time, cause, entry = cohort.outcome(column)
    return _restricted(time[rows], cause[rows] == 1, horizon, None if entry is None else entry[rows])


def _restricted(time: np.ndarray, event: np.ndarray, horizon: float, entry: np.ndarray | None) -> float:
    """Restricted mean to the horizon, or to the last follow-up if that is earlier."""
    return rmst(time, event, min(horizon, float(time.max())), entry).value


def _rounded(values: np.ndarray, decimals: int | None, kind: str) -> np.ndarray:
    """Values at the column's decimals; follow-up stays above 0."""
    if decimals is None:
        return values
    rounded = np.round(values, decimals)
    return np.where(values > 0, np.maximum(rounded, 10.0**-decimals), rounded) if kind == "survival" else rounded
