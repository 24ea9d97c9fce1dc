"""Notes beside the findings: lineage of the rows, the most exposed groups, curves that rest on few patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heorsynth.checks.core.estimand import PRIVATE
from heorsynth.checks.core.finding import NOT_ESTIMABLE, PASS, Finding
from heorsynth.checks.core.observed import missing
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.economics.analysis import imputations
from heorsynth.checks.planning.catalogue import plain_names
from heorsynth.checks.planning.plan import Plan
from heorsynth.checks.structure.estimands import PANEL
from heorsynth.checks.survival.horizon import outcome
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.identifiers import repeats_evenly
from heorsynth.data.columns.levels import POOLED, SMALL_COUNT
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.labels.label import Label
from heorsynth.data.labels.levels import INTERNAL, LEVELS
from heorsynth.estimators.survival.counts import event_counts, follow_up
from heorsynth.evidence.finding_text import SET_EQUAL
from heorsynth.generators.heor.keep_columns import ALL_COLUMNS

_AGAINST = "judged against rows that are themselves synthetic"
_MADE_FROM = "made from rows that were themselves synthetic"


def lineage(cohort: Cohort | CohortFolder, syn: Sequence[Any]) -> tuple[str, ...]:
    """Return the texts added to every finding if synthetic rows were the source or the reference."""
    copied = any(one.label is not None and one.label.depth > 1 for one in syn)
    return (*([_AGAINST] if cohort.synthetic else []), *([_MADE_FROM] if copied else []))


def further_notes(cohort: Cohort | CohortFolder, syn: Sequence[Any], findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return notes on rows that outnumber patients, repeated synthesis, small risk sets, and exposed groups."""
    thin = _thin_starts(cohort) if isinstance(cohort, Cohort) else []
    of_rows = (*_outnumbered(syn), *_generations(syn), *_clustered(cohort.schema.cluster, findings), *thin)
    return (*_others_of_release(syn), *_forgotten(syn, findings), *of_rows, *most_exposed(findings))


def _forgotten(syn: Sequence[Any], findings: Sequence[Finding]) -> list[str]:
    """Return the setting that keeps the analyses nobody declared, where they decide, do not pass, and may be kept."""
    open_ = any(one.key == PANEL.key and one.decisive and one.verdict not in (PASS, NOT_ESTIMABLE) for one in findings)
    labels = [one.label for one in syn if one.label is not None]
    shrunk = any(
        one.generator == "heor" and one.level == INTERNAL and one.settings.get("keep") != ALL_COLUMNS for one in labels
    )
    if not (open_ and shrunk):
        return []
    return [
        "Analyses that nobody declared are off because `heor` shrinks what few patients show. With `options: "
        "{keep: all}` it keeps every pair of columns as these patients have it; its rows are then nearer to theirs. "
        "Or declare the analyses that matter."
    ]


def _others_of_release(syn: Sequence[Any]) -> list[str]:
    """Return a note on releases of which only some cohorts were given."""
    given = Counter((one.label.release, one.label.m) for one in syn if one.label is not None)
    return [
        f"{count} of the {m} cohorts of release {release} were checked: ask their author why only these."
        for (release, m), count in given.items()
        if count < m
    ]


def _outnumbered(syn: Sequence[Any]) -> list[str]:
    labels = [one.label for one in syn if one.label is not None]
    more = sorted({(label.n_rows, label.rests_on) for label in labels if label.n_rows > label.rests_on})
    return [
        f"{rows:,} rows of each cohort rest on {patients:,} patients: a plain analysis of one would claim standard "
        f"errors {significant(np.sqrt(rows / patients), 2)} times too small. Pool with `analyse`."
        for rows, patients in more
    ]


def _generations(syn: Sequence[Any]) -> list[str]:
    depth = max((one.label.depth for one in syn if one.label is not None), default=1)
    if depth <= 1:
        return []
    return [f"These rows were {_MADE_FROM}: generation {depth}. Repeated synthesis loses tails and rare levels."]


def _clustered(cluster: str | None, findings: Sequence[Finding]) -> list[str]:
    """Return a note on checks whose real intervals do not allow for clusters."""
    naive = [name for name in ("survival", "costs") if any(one.check == name for one in findings)]
    if cluster is None or not naive:
        return []
    return [
        f"The real intervals of {' and '.join(naive)} do not allow for clusters ({cluster}): where patients of one "
        "are alike they are too narrow, and 'sufficient' is too favourable. Those of economics and of declared "
        "analyses allow for clusters."
    ]


def _thin_starts(cohort: Cohort) -> list[str]:
    """Return a note on endpoints with delayed entry and an early event among fewer than five patients at risk."""
    thin = []
    for name in cohort.schema.endpoints:
        time, event, entry = outcome(cohort, name)
        if entry is None:
            continue
        patients = follow_up(time, event, entry)
        counts = event_counts(patients)
        early = counts.times < np.median(entry[np.isfinite(entry)])
        if (early & (counts.events > 0) & (counts.at_risk < SMALL_COUNT)).any():
            thin.append(name)
    return [
        f"With delayed entry, {', '.join(thin)} begins with fewer than {SMALL_COUNT} patients at risk: each event "
        "there changes the whole curve."
    ] if thin else []  # fmt: skip


def most_exposed(findings: Sequence[Finding]) -> list[str]:
    """Return, for each attack repeated in groups, the group with the highest success, and the success on everyone.

    The maximum of several groups is also higher by chance; its interval is that of one group. So the note gives the
    number of groups.
    """
    notes = []
    attacks = [one for one in findings if one.question == PRIVATE and one.verdict != NOT_ESTIMABLE]
    for key, estimand in dict.fromkeys((one.key, one.estimand) for one in attacks):
        same = [one for one in attacks if (one.key, one.estimand) == (key, estimand)]
        groups = [one for one in same if one.group != "all"]
        everyone = [one for one in same if one.group == "all"]
        if not groups or not everyone:
            continue
        worst = max(groups, key=lambda one: one.difference)
        notes.append(
            f"Most exposed to {estimand}: {worst.group}, {_span(worst)}, of {len(groups)} groups; "
            f"everybody {_span(everyone[0])}."
        )
    return notes


def _span(finding: Finding) -> str:
    numbers = (significant(value, 2) for value in (finding.difference, finding.lower, finding.upper))
    return "{} ({} to {})".format(*numbers)


def notes_on(
    cohort: Cohort | CohortFolder,
    observed: Observed,
    syn: Sequence[Any],
    asked: Plan,
    holdout: Cohort | None,
    calibrated: frozenset[str],
) -> tuple[str, ...]:
    """Return notes on estimands that were left out, on assumptions, and on the origin of the rows."""
    notes = [*asked.notes, *_left_out(observed, asked), *(_visits(cohort) if isinstance(cohort, Cohort) else ())]
    if cohort.synthetic:
        notes.append("The reference cohort is itself synthetic: this is no evidence about real patients.")
    folder = isinstance(cohort, CohortFolder)
    if holdout is not None and (folder or "disclosure" not in asked.by_check()):
        why = "checks that need one do not apply to folders" if folder else "this purpose has no check that needs one"
        notes.append(f"The hold-out of {holdout.n} patients was not used: {why}.")
    labels = [drawn.label for drawn in syn if drawn.label is not None]
    if len(labels) < len(syn):
        notes.append(f"{len(syn) - len(labels)} of {len(syn)} cohorts carry no label: their origin is unknown.")
    if others := {label.n_source for label in labels} - {cohort.n}:
        notes.append(
            f"The label says they were made from {', '.join(map(str, sorted(others)))} patients; "
            f"they are compared with {cohort.n}."
        )
    if isinstance(cohort, Cohort) and cohort.notes:
        notes.append(f"How the data were read: {'; '.join(cohort.notes)}.")
    if asked.purpose.name == "data-sharing" and any(label.level == INTERNAL for label in labels):
        notes.append(
            f"These cohorts are {LEVELS[INTERNAL]}: their release level is internal, which bounds nothing that one "
            "patient moves. To share them, release them as shared, with heor."
        )
    pooled = {name: count for label in labels for name, count in _pooled(label).items()}
    if pooled:
        columns = ", ".join(f"{name} ({count} patients)" for name, count in pooled.items())
        notes.append(f"Levels that too few patients have are written as {POOLED!r}: {columns}.")
    if lost := sorted({name for label in labels for name in _names(label.settings.get("one_value_left"))}):
        notes.append(f"One value is left where too few patients have another: {', '.join(lost)}.")
    if calibrated:
        notes.append(f"{SET_EQUAL}{plain_names(calibrated)}.")
    return tuple(notes)


def _names(held: object) -> list[str]:
    """Return a list of names from a label; [] for anything else."""
    return [str(name) for name in held] if isinstance(held, list | tuple) else []


def _pooled(label: Label) -> Mapping[str, object]:
    """Return the columns whose rare levels the generator pooled, with the number of patients."""
    found = label.settings.get("pooled_rare_levels", {})
    return found if isinstance(found, Mapping) else {}


def _visits(cohort: Cohort) -> list[str]:
    """Return notes on columns that suggest several rows a patient, such as visits."""
    return [
        f"Each value of {name!r} occurs in the same number of rows. If these are visits of one patient, the "
        f"{cohort.n:,} rows are fewer patients, and every interval here is too narrow."
        for name in cohort.covariates
        if name not in cohort.schema.subgroups and repeats_evenly(cohort.rows[name])
    ]


def _left_out(real: Observed, asked: Plan) -> tuple[str, ...]:
    """Return a note on the assumption about patients with a missing cost or QALY."""
    roles = [*real.schema.costs, *real.schema.utilities]
    if "economics" not in asked.by_check() or not any(missing(real, name) for name in roles):
        return ()
    if any(imputations(margin.settings.get("impute")) for margin in asked.margins.values()):
        return (
            "Missing costs and QALYs are imputed in the economic findings. This is valid only if they are missing at "
            "random given arm, covariates and the other outcome.",
        )
    return (
        "Economic findings leave out patients with a missing cost or QALY. This is valid only if, within each "
        "arm, missingness does not depend on the value. economics: {impute: true} assumes less.",
    )
