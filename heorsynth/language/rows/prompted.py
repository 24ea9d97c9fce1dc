"""`prompted`: cohorts that a language model writes row by row from a paper. They exist only to be judged."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from heorsynth.core.errors import ModelCallError, Problem, RoleError
from heorsynth.core.random import check_seed, derived_seed
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.paper import PURPOSE, evidence_of_paper, plan_for_paper
from heorsynth.language.models.answers import USUAL, json_answer
from heorsynth.language.models.model import Model
from heorsynth.language.models.prompts import Template
from heorsynth.language.rows.told import Wanted, fault_of, told, wanted_of
from heorsynth.published.reconstruction.cohorts import ReconstructedCohorts
from heorsynth.published.reconstruction.reconstruct import labelled
from heorsynth.published.trial.trial import PublishedTrial

_NAME = "prompted"

_ROWS, _TRIES = 25, 3
"""Rows that one call asks for, and calls for one batch of rows."""

_ASKED = (
    "The data state what a trial published, the columns of a row, and an arm. Write {n} different patients of that arm "
    "as JSON: an object with the key rows, a list of {n} objects with these columns, numbers as numbers. Nothing else."
)

_SCHEMA = {"type": "object", "required": ["rows"], "properties": {"rows": {"type": "array"}}}

_STATEMENT = (
    "Synthetic data: no row is a patient. Rows written by a language model from published facts; no patient's data "
    "stand behind them. Made to be judged, not to be used."
)


class PromptedCohorts(ReconstructedCohorts):
    """Cohorts that a language model wrote.

    Attributes
    ----------
    refused : Mapping      reason to the number of rows, or answers, that were refused; none was repaired
    n_calls : int
    """

    def __init__(self, cohorts: Sequence[Cohort], refused: Mapping[str, int], n_calls: int) -> None:
        super().__init__(cohorts)
        self.refused, self.n_calls = dict(refused), n_calls


@dataclass(frozen=True)
class _Told(PublishedTrial):
    """A trial whose facts were told and met by no construction: every one of them tests the rows."""

    constraints = frozenset()


def prompted(trial: PublishedTrial, model: Model, *, m: int = 1, seed: int = 1) -> PromptedCohorts:
    """Return cohorts that a language model writes row by row from what a trial published.

    Parameters
    ----------
    trial : PublishedTrial   its paper is all that the model is told; there is no argument for patients
    model : Model            on record (`language.models.model.open_model`), with a temperature above 0
    m : int                  cohorts
    seed : int               of the calls

    Returns
    -------
    PromptedCohorts          labelled cohorts with the columns of `trial.cohorts`. An arm has fewer rows than the trial
                             where rows were refused three times

    Raises
    ------
    RoleError                m below 1, or a temperature of 0
    CallRecordError          a call has no record, and the model is not live
    ModelCallError           an arm without a single usable row

    See Also
    --------
    heorsynth.published.cohorts : Cohorts that agree with the paper.
    judged : What the verdict says of either.

    Notes
    -----
    One call asks for at most 25 rows of one arm. A row with an unknown or missing column, a value that is no number or
    out of range, or an unknown level is refused and counted; no value is converted, rounded or clipped. Rows beyond
    those asked for are refused too.
    """
    if m < 1:
        raise RoleError(_NAME, Problem("m", f"{m} cohorts", "ask for one or more"))
    if model.parameters.temperature <= 0:
        found = "a temperature of 0 gives the same rows in every call"
        raise RoleError(_NAME, Problem("model", found, "open it with Parameters(temperature=1.0)"))
    writer = _Writer(trial, model, check_seed(seed), wanted_of(trial), Counter())
    frames = [writer.cohort(part) for part in range(m)]
    facts = {
        "model": f"{model.provider}:{model.name}", "calls": writer.calls, "refused": dict(writer.refused),
        "steps": list(USUAL), "citations": trial.paper.citations,
    }  # fmt: skip
    cohorts = labelled(frames, trial.schema, facts, seed, _NAME, _STATEMENT)
    return PromptedCohorts(list(cohorts), writer.refused, writer.calls)


def judged(
    trial: PublishedTrial, cohorts: Sequence[Cohort], margins: Mapping[str, Any] | None = None, purpose: str = PURPOSE
) -> Evidence:
    """Return the evidence on rows that a model wrote, against all printed facts and curves of the paper.

    The facts were told to the model, but nothing makes its rows agree with them. So each of them is a test, also those
    that are constraints of `trial.cohorts`.
    """
    plan = plan_for_paper(trial, margins, purpose)
    return evidence_of_paper(_Told(trial.paper, trial.options), cohorts, plan)


@dataclass
class _Writer:
    """Asks for rows, refuses what cannot be used, and counts."""

    trial: PublishedTrial
    model: Model
    seed: int
    wanted: tuple[Wanted, ...]
    refused: Counter[str]
    calls: int = 0

    def cohort(self, part: int) -> pd.DataFrame:
        """Return the rows of one cohort, arm by arm."""
        several = self.trial.schema.arm is not None
        frames = []
        for arm in self.trial.arms:
            rows = [row for batch in self._batches(part, arm) for row in batch]
            if not rows:
                found = f"no usable row: {dict(self.refused.most_common(3))}"
                raise ModelCallError(
                    f"model {self.model.name!r}", Problem("rows of an arm", found, "use another model")
                )
            frame = pd.DataFrame(rows, columns=[one.name for one in self.wanted])
            frames.append(frame.assign(arm=arm) if several else frame)
        return pd.concat(frames, ignore_index=True)

    def _batches(self, part: int, arm: str) -> Iterator[list[Mapping[str, Any]]]:
        """Yield the rows of each batch; what is refused is asked for again, twice."""
        total = self.trial.paper.document.arms[arm].n
        for batch in range(math.ceil(total / _ROWS)):
            short = min(_ROWS, total - batch * _ROWS)
            for attempt in range(_TRIES):
                found = self._asked(arm, short, derived_seed(self.seed, _NAME, part, arm, batch, attempt) % 2**31)
                yield found
                short -= len(found)
                if not short:
                    break

    def _asked(self, arm: str, n: int, seed: int) -> list[Mapping[str, Any]]:
        self.calls += 1
        template = Template("rows", f"{_ASKED.format(n=n)}\n{{text}}")
        try:
            answer = json_answer(self.model.ask(template.fill(told(self.trial, arm)), seed=seed), _SCHEMA)
        except ModelCallError as error:
            self.refused[f"answer: {error.problems[0].found}"] += 1
            return []
        kept: list[Mapping[str, Any]] = []
        for row in answer["rows"]:
            fault = fault_of(row, self.wanted) or self._out_of_order(row)
            fault = fault or ("more rows than asked for" if len(kept) == n else "")
            if fault:
                self.refused[fault] += 1
            else:
                kept.append(row)
        return kept

    def _out_of_order(self, row: Mapping[str, Any]) -> str:
        """Return a fault for an endpoint that ends after the one that ends it, such as progression after death."""
        schema = self.trial.schema
        times = {name: row[endpoint.time] for name, endpoint in schema.endpoints.items()}
        wrong = any(times[first] > times[last] for first, last in schema.order)
        return "endpoints out of order" if wrong else ""
