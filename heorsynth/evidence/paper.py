"""Evidence for the cohorts of a paper: its printed facts stand where the patients' own estimates stand elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from heorsynth.checks.core.margin import HALF, Margin
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.planning.plan import Plan
from heorsynth.checks.planning.purposes import purpose_of
from heorsynth.checks.structure.estimands import CHARACTERISTICS
from heorsynth.checks.survival.estimands import EVENTS, FOLLOW_UP, HAZARD_RATIO, KM_GAP, MEDIAN, RMST, RMST_DIFFERENCE
from heorsynth.core.errors import MarginError, Problem, nearest
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.evidence import PAPER, Evidence
from heorsynth.evidence.paper_findings import survival_findings
from heorsynth.evidence.paper_questions import Asking
from heorsynth.evidence.paper_tables import not_compared, not_determined, table_findings
from heorsynth.published.trial.trial import PublishedTrial

_OF_PAPERS = (KM_GAP, RMST, RMST_DIFFERENCE, MEDIAN, HAZARD_RATIO, FOLLOW_UP, EVENTS, CHARACTERISTICS)
"""The estimands that a paper states, or that its curve determines."""

PURPOSE = "indirect-comparison"
"""The purpose that cohorts of a paper are judged for."""


def plan_for_paper(
    trial: PublishedTrial, margins: Mapping[str, Margin | Mapping[str, object]] | None = None, purpose: str = PURPOSE
) -> Plan:
    """Return the plan of the checks of a paper's cohorts, from the purpose and declared margins.

    Raises
    ------
    UnknownNameError     an unknown purpose
    MarginError          a margin of what no paper states, of an endpoint that the cohorts do not have, or a vacuous one
    """
    wanted, declared = purpose_of(purpose), dict(margins or {})
    keys = [one.key for one in _OF_PAPERS]
    known = {key: margin_for(key, margin) for key, margin in declared.items()}
    problems = [Problem(key, "not a quantity that a paper states", nearest(key, keys))
                for key in known if key not in keys]  # fmt: skip
    for key, margin in known.items():
        problems += _problems(trial, key, margin) if key in keys else []
    if problems:
        raise MarginError("margins", problems)
    entries = [one for one in (*wanted.decisive, *wanted.supporting) if one.key in keys]
    planned = {one.key: known.get(one.key, margin_for(one.key, {**one.margin, "reason": one.reason}))
               for one in entries}  # fmt: skip
    decisive = {one.key for one in wanted.decisive} | set(known)
    return Plan(wanted, {**planned, **known}, frozenset(decisive), wanted.notes, frozenset(known))


def _problems(trial: PublishedTrial, key: str, margin: Margin) -> Iterator[Problem]:
    endpoints, endpoint = trial.options.endpoints, margin.settings.get("endpoint")
    if endpoint is not None and endpoint not in endpoints:
        yield Problem(f"{key}: endpoint", f"no {endpoint!r} is in the cohorts", nearest(str(endpoint), endpoints))
    if "horizon" not in margin.settings:
        return
    ends = [float(trial.paper.curves(name)["time"].max()) for name in endpoints]
    horizon = margin.settings.get("horizon")
    to = float(horizon) if isinstance(horizon, (int, float)) else min(ends)
    if to > max(ends):
        yield Problem(f"{key}: horizon", f"{significant(to)} is past the end of the published curves",
                      f"give at most {significant(max(ends))}")  # fmt: skip
    elif margin.scale == "absolute" and key != KM_GAP.key and margin.width >= HALF * to:
        yield Problem(f"{key}: absolute", "so wide that the check is vacuous: half of the horizon",
                      f"give less than {significant(HALF * to, 2)}")  # fmt: skip


def evidence_of_paper(trial: PublishedTrial, cohorts: Sequence[Cohort], plan: Plan) -> Evidence:
    """Return the evidence on the cohorts of a paper: faithful to the paper, and determined by it to the margins?

    Parameters
    ----------
    plan : Plan      from `plan_for_paper`, made before the cohorts were drawn

    Notes
    -----
    A fact that was a constraint of the cohorts is `constructed` and is no evidence. At least one fact must be left to
    test them for a "yes". The second question is whether what the paper leaves open matters: the reconstruction
    interval of hazard ratio, restricted means and medians is compared with the margin of each.
    """
    asking = Asking(trial, cohorts, plan)
    findings = [*survival_findings(asking), *table_findings(asking)]
    label = cohorts[0].label
    return Evidence.of(
        plan.purpose.name,
        findings,
        m=len(cohorts),
        n_rows=cohorts[0].n,
        n_source=trial.n,
        generator="unknown" if label is None else label.generator,
        notes=(*plan.notes, *_contradictions(trial), *not_compared(asking, findings), *not_determined(cohorts)),
        reference=PAPER,
    )


def _contradictions(trial: PublishedTrial) -> Iterator[str]:
    """A note on each contradiction between facts of the paper, with its size."""
    for row in trial.paper.contradictions().to_dict("records"):
        size = " ".join(filter(None, [significant(abs(float(row["size"])), 2), str(row["unit"])]))
        yield (
            f"The paper contradicts itself ({row['severity']}): {row['facts']}: {row['rule']}: expected "
            f"{row['expected']}, stated {row['stated']}, apart by {size}."
        )
