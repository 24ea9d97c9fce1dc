"""What a reader must know beside the findings: what rows rest on, who is most exposed, where a curve stands on few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from heorsynth.checks.finding import NOT_ESTIMABLE, Finding
from heorsynth.checks.outcomes import outcome
from heorsynth.core.estimate import significant
from heorsynth.data.cohort import SMALL_COUNT, Cohort
from heorsynth.estimators.counts import event_counts, follow_up

AGAINST = "judged against rows that are themselves synthetic"
MADE_FROM = "made from rows that were themselves synthetic"


def told_of_lineage(finding: Finding, cohort: Cohort, syn: Sequence[Cohort]) -> Finding:
    """The finding, which says in its reason where it is no evidence about patients."""
    said = [AGAINST] if cohort.synthetic else []
    said += [MADE_FROM] if any(one.label is not None and one.label.depth > 1 for one in syn) else []
    return replace(finding, because="; ".join([finding.because, *said])) if said else finding


def further_notes(cohort: Cohort, syn: Sequence[Cohort], findings: Sequence[Finding]) -> tuple[str, ...]:
    """Notes on rows that outnumber patients, copies of copies, thin beginnings, and the most exposed groups."""
    return (*_outnumbered(syn), *_generations(syn), *_thin_starts(cohort), *most_exposed(findings))


def _outnumbered(syn: Sequence[Cohort]) -> list[str]:
    labels = [one.label for one in syn if one.label is not None]
    more = sorted({(label.n_rows, label.rests_on) for label in labels if label.n_rows > label.rests_on})
    return [
        f"{rows:,} rows of each cohort rest on {patients:,} patients: a plain analysis of one would claim standard "
        f"errors {significant(np.sqrt(rows / patients), 2)} times too small. Pool with `analyse`."
        for rows, patients in more
    ]


def _generations(syn: Sequence[Cohort]) -> list[str]:
    depth = max((one.label.depth for one in syn if one.label is not None), default=1)
    return [f"These rows were {MADE_FROM}: generation {depth}. Tails and rare levels are lost so."] if depth > 1 else []


def _thin_starts(cohort: Cohort) -> list[str]:
    """Endpoints with an event among fewer than five at risk while most patients are still to enter."""
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
        f"With delayed entry, {', '.join(thin)} begins among fewer than {SMALL_COUNT} patients at risk, and each event "
        "there moves all of the curve."
    ] if thin else []  # fmt: skip


def most_exposed(findings: Sequence[Finding]) -> list[str]:
    """For each attack that was repeated in groups, the group it succeeds in most, beside everybody.

    The largest of several is larger by luck too: its interval is that of one group, and the number of groups is told.
    """
    told = []
    attacks = [one for one in findings if one.check == "disclosure" and one.verdict != NOT_ESTIMABLE]
    for key, estimand in dict.fromkeys((one.key, one.estimand) for one in attacks):
        same = [one for one in attacks if (one.key, one.estimand) == (key, estimand)]
        groups = [one for one in same if one.group != "all"]
        everyone = [one for one in same if one.group == "all"]
        if not groups or not everyone:
            continue
        worst = max(groups, key=lambda one: one.difference)
        told.append(
            f"Most exposed to {estimand}: {worst.group}, {_span(worst)}, of {len(groups)} groups; "
            f"everybody {_span(everyone[0])}."
        )
    return told


def _span(finding: Finding) -> str:
    numbers = (significant(value, 2) for value in (finding.difference, finding.lower, finding.upper))
    return "{} ({} to {})".format(*numbers)
