"""The evidence for one purpose: asks every check its question, and joins the answers to the rows' lineage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from heorsynth.checks import registry
from heorsynth.checks.finding import Finding
from heorsynth.checks.margin import Margin
from heorsynth.checks.plain import plain_names
from heorsynth.checks.plan import Plan, plan
from heorsynth.core.engine import EngineSpec, open_engine
from heorsynth.core.errors import LabelError, Problem, RoleError, TooFewPatientsError
from heorsynth.core.random import check_seed, stream
from heorsynth.data.cohort import Cohort
from heorsynth.data.domain import Domain
from heorsynth.data.identity import repeats_evenly
from heorsynth.data.levels import as_text
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.notes import further_notes, told_of_lineage
from heorsynth.evidence.rows import SET_EQUAL


def validate(
    cohort: Cohort,
    syn: Sequence[Cohort],
    purpose: str = "economic-evaluation",
    margins: Mapping[str, Margin | Mapping[str, object]] | None = None,
    holdout: Cohort | None = None,
    economics: Mapping[str, object] | None = None,
    seed: int = 1,
    *,
    allow_synthetic_source: bool = False,
    engine: EngineSpec = "local",
) -> Evidence:
    """Evidence on whether synthetic cohorts serve a purpose.

    Parameters
    ----------
    cohort : Cohort            the real patients
    syn : sequence of Cohort   the synthetic cohorts, with the same roles
    purpose : str              teaching, software-testing, model-development, augmentation, external-control,
                               economic-evaluation or data-sharing
    margins : dict             such as ``{"survival.rmst": {"horizon": 3650, "relative": 0.05}}``: replaces the
                               purpose's default, or makes a further estimand decisive
    holdout : Cohort           people of the same kind whom the generator never saw: the control of the
                               disclosure checks
    economics : dict           ``{"comparator": "usual", "wtp": [20000]}``
    seed : int                 of the resampling behind some intervals; >= 0
    allow_synthetic_source     judge against a cohort that is itself synthetic, and say so
    engine : str or Engine     where the checks are computed, see `open_engine`; the findings are the same on each

    Returns
    -------
    Evidence                   with its verdict: "fit", "not fit" or "inconclusive"

    Raises
    ------
    UnknownNameError           an unknown purpose, comparator or economics setting
    MarginError                an unknown estimand or a margin it cannot have
    RoleError                  roles of the synthetic cohorts differ from the real one's
    LabelError                 the cohort to judge against is itself synthetic
    EngineError                a check failed twice
    """
    check_seed(seed)
    if cohort.synthetic and not allow_synthetic_source:
        raise LabelError(
            "the cohort to judge against",
            Problem(
                "", "is itself synthetic", "give the real patients, or allow_synthetic_source=True to have it on record"
            ),
        )
    _require_same_roles(cohort, syn)
    if holdout is not None:
        _require_same_roles(cohort, [holdout], "hold-out")
        _require_apart(cohort, holdout)
    asked = plan(cohort, purpose, margins, economics)
    findings: list[Finding] = []
    with open_engine(engine) as opened:
        tasks = list(asked.by_check().items())
        for found in opened.map(_answers, tasks, (cohort, syn, seed, holdout), what="checking", named=_named):
            findings += found
    findings += asked.unanswered(findings, cohort.n)
    calibrated = _calibrated(syn)
    judged = [replace(asked.weighed(finding), calibrated=finding.key in calibrated) for finding in findings]
    judged = [told_of_lineage(finding, cohort, syn) for finding in judged]
    return Evidence.of(
        purpose,
        judged,
        m=len(syn),
        n_rows=syn[0].n,
        n_source=cohort.n,
        generator=_generator(syn),
        broken=_broken(cohort, syn),
        notes=(
            *_notes(cohort, syn, asked, holdout, calibrated),
            *asked.not_asked(findings),
            *further_notes(cohort, syn, judged),
        ),
    )


def _named(task: tuple[str, Mapping[str, Margin]]) -> str:
    return f"check {task[0]!r}"


def _answers(
    shared: tuple[Cohort, Sequence[Cohort], int, Cohort | None], task: tuple[str, Mapping[str, Margin]]
) -> list[Finding]:
    """The findings of one check, from its own random stream."""
    (cohort, syn, seed, holdout), (name, margins) = shared, task
    return registry.load(name)(cohort, syn, margins, stream(seed, "check", name), holdout)


def _require_same_roles(cohort: Cohort, syn: Sequence[Cohort], what: str = "synthetic cohorts") -> None:
    if not len(syn):
        raise TooFewPatientsError("synthetic cohorts", Problem("", "there are none", "draw at least one"))
    problems = []
    for part, drawn in enumerate(syn):
        wanted, found = replace(cohort.schema, id=None), replace(drawn.schema, id=None)
        if wanted != found:
            roles = [name for name in vars(wanted) if getattr(wanted, name) != getattr(found, name)]
            problems.append(
                Problem(
                    f"cohort {part}",
                    f"other roles than the real one: {', '.join(roles)}",
                    "declare the same roles for both",
                )
            )
        absent = [name for name in wanted.columns if name not in drawn.frame.columns]
        if absent:
            problems.append(
                Problem(
                    f"cohort {part}",
                    f"lacks the columns {', '.join(absent)}",
                    "every column with a role must be synthesised",
                )
            )
    if problems:
        raise RoleError(what, problems)


def _require_apart(cohort: Cohort, holdout: Cohort) -> None:
    """Nothing, if the hold-out is of other patients; RoleError where more rows are in both than twins would be.

    With q the share of the cohort's rows that equal another of its rows, and n rows held out, q·n of them are expected
    to equal one of the cohort by chance; more than three standard deviations beyond that are the same people.
    """
    fitted, aside = (_row_hashes(part) for part in (cohort, holdout))
    twins = float(pd.Series(fitted).duplicated(keep=False).mean()) * len(aside)
    shared = int(np.isin(aside, fitted).sum())
    if shared > twins + 3 * np.sqrt(twins):
        found = f"{shared:,} of its {len(aside):,} patients are among those judged against"
        fix = "keep patients aside before fitting: fitted, aside = cohort.split(0.3, rng)"
        raise RoleError("hold-out", Problem("", found, fix))


def _row_hashes(cohort: Cohort) -> np.ndarray:
    """A hash of each patient's columns (n,), numbers by value and all else as text."""
    frame = cohort.frame[sorted(name for name in map(str, cohort.frame.columns) if name != cohort.schema.id)]
    same = {
        name: frame[name].astype(float) if is_numeric_dtype(frame[name]) else as_text(frame[name]).fillna("")
        for name in frame.columns
    }
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(same), index=False))


def _calibrated(syn: Sequence[Cohort]) -> frozenset[str]:
    return frozenset(key for drawn in syn if drawn.label is not None for key in drawn.label.calibrated)


def _generator(syn: Sequence[Cohort]) -> str:
    named = {drawn.label.generator for drawn in syn if drawn.label is not None}
    return ", ".join(sorted(named)) or "unknown"


def _broken(cohort: Cohort, syn: Sequence[Cohort]) -> dict[str, int]:
    """Rows that break a post-condition: as the generator counted them, or counted here."""
    counted = getattr(syn, "broken", None)
    if isinstance(counted, Mapping):
        return dict(counted)
    domain, found = Domain.of(cohort), Counter[str]()
    for drawn in syn:
        found.update(domain.breaks(drawn.frame))
    return dict(found)


def _left_out(cohort: Cohort, asked: Plan) -> tuple[str, ...]:
    """What the economic findings assume of patients whose cost or QALY is missing."""
    roles = [*cohort.schema.costs, *cohort.schema.utilities]
    if "economics" not in asked.by_check() or not cohort.frame[roles].isna().to_numpy().any():
        return ()
    return (
        "Economic findings leave out patients with a missing cost or QALY: right only if, given the arm, whether one "
        "is missing has nothing to do with its value. hs.evaluate(..., missing='impute') assumes less.",
    )


def _notes(
    cohort: Cohort,
    syn: Sequence[Cohort],
    asked: Plan,
    holdout: Cohort | None,
    calibrated: frozenset[str],
) -> tuple[str, ...]:
    notes = [*asked.notes, *_left_out(cohort, asked)]
    for name in cohort.covariates:
        if name not in cohort.schema.subgroups and repeats_evenly(cohort.frame[name]):
            notes.append(
                f"Each value of {name!r} stands in equally many rows. If these are visits of one patient, the "
                f"{cohort.n:,} rows are fewer patients, and every interval here is too narrow."
            )
    if cohort.synthetic:
        notes.append("The cohort judged against is itself synthetic: this is no evidence about real patients.")
    if holdout is not None and "disclosure" not in asked.by_check():
        notes.append(f"The hold-out of {holdout.n} patients was not used: this purpose asks nothing that needs one.")
    labels = [drawn.label for drawn in syn if drawn.label is not None]
    if len(labels) < len(syn):
        notes.append(f"{len(syn) - len(labels)} of {len(syn)} cohorts carry no label: their origin is unknown.")
    if others := {label.n_source for label in labels} - {cohort.n}:
        notes.append(
            f"The label says they were made from {', '.join(map(str, sorted(others)))} patients; "
            f"they are judged against {cohort.n}."
        )
    if calibrated:
        notes.append(f"{SET_EQUAL}{plain_names(calibrated)}.")
    return tuple(notes)
