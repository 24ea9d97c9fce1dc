"""The plan of the checks, from a purpose, the roles of a cohort and declared margins, before any result is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.analyses.estimands import OF_ANALYSES, OVERLAP
from heorsynth.checks.analyses.problems import planned_analyses
from heorsynth.checks.core.finding import LEVEL, POOLED, SINGLE, Finding
from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import columns
from heorsynth.checks.core.question import Question
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.economics.analysis import ADJUSTMENTS, imputations, names_in
from heorsynth.checks.economics.arms import economics_problems, evaluations, odd_effects, unnamed_comparator
from heorsynth.checks.economics.balance import missing_covariates, undeclared
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, lacking, margin_for, plain_names, vacuous
from heorsynth.checks.planning.purpose import Purpose
from heorsynth.checks.planning.purposes import purpose_of
from heorsynth.checks.planning.settings import name_problems
from heorsynth.checks.privacy.estimands import ALARMS, OF_RELEASES
from heorsynth.core.errors import MarginError, NotEstimableError, Problem, RoleError, unknown_name
from heorsynth.core.numbers import is_number

_NO_DATA = "no data match the margin's endpoint, column or group"

ECONOMICS = ("comparator", "wtp", "cost", "effect", *ADJUSTMENTS)
"""The settings of an `economics` block."""


@dataclass(frozen=True)
class Plan:
    """The estimands to be checked with their margins, and which of them are decisive.

    Attributes
    ----------
    purpose : Purpose       the purpose of the cohorts
    margins : Mapping       estimand key to margin, in the order of the purpose
    decisive : frozenset    keys the verdict depends on
    notes : tuple           which estimands are left out, and why
    declared : frozenset    keys with a declared margin: each must have a finding
    missing_roles : tuple   roles that the purpose needs and the cohort does not declare
    use : str               POOLED or SINGLE: what the verdict on each finding rests on
    level : float           level of the intervals
    alarms : frozenset      keys that decide only where they fail
    """

    purpose: Purpose
    margins: Mapping[str, Margin]
    decisive: frozenset[str]
    notes: tuple[str, ...]
    declared: frozenset[str] = frozenset()
    missing_roles: tuple[str, ...] = ()
    use: str = POOLED
    level: float = LEVEL
    alarms: frozenset[str] = frozenset()

    @property
    def deciding(self) -> Plan:
        """The plan with the decisive estimands only."""
        return replace(self, margins={key: margin for key, margin in self.margins.items() if key in self.decisive})

    @property
    def economics(self) -> Mapping[str, object]:
        """The settings of the economic evaluation, with its thresholds if there are any; empty without one."""
        economic = [margin for margin in self.margins.values() if "comparator" in margin.settings]
        return _with_thresholds(economic) if economic else {}

    def by_check(self) -> dict[str, dict[str, Margin]]:
        """Return the margins for each check, in the order of the registry."""
        by_name = {
            name: {key: self.margins[key] for key in registry.estimands_of(name) if key in self.margins}
            for name in registry.names()
        }
        return {name: margins for name, margins in by_name.items() if margins}

    def standing(self, constructed: frozenset[str] = frozenset(), after: Sequence[str] = ()) -> Standing:
        """Return what applies to every finding; `after` is added to each reason."""
        by_subgroup = frozenset(self.purpose.by_subgroup)
        return Standing(
            self.decisive, by_subgroup, constructed, self.use, self.level, after=tuple(after), alarms=self.alarms
        )

    def unanswered(self, findings: Sequence[Finding], everyone: Group, standing: Standing) -> list[Finding]:
        """Return a finding "not estimable" for each declared margin without a finding, so that none is lost."""
        answered = {finding.key for finding in findings}
        return [
            Question(ESTIMANDS[key], ESTIMANDS[key].definition, everyone, margin, standing).refuse(_NO_DATA)
            for key, margin in self.margins.items()
            if key in self.declared and key not in answered
        ]

    def not_asked(self, findings: Sequence[Finding]) -> tuple[str, ...]:
        """Return a note on the default estimands of the purpose that have no data in this cohort."""
        answered = {finding.key for finding in findings}
        silent = [key for key in self.margins if key not in answered and key not in self.declared]
        return (f"No data in this cohort for: {plain_names(silent)}.",) if silent else ()


def plan(
    cohort: Observed,
    purpose: str,
    margins: Mapping[str, Margin | Mapping[str, object]] | None = None,
    economics: Mapping[str, object] | None = None,
    analyses: Sequence[Analysis | Mapping[str, object]] = (),
    use: str | None = None,
    refits: bool = False,
) -> Plan:
    """Return the plan of the checks for a purpose and a cohort.

    Parameters
    ----------
    purpose : str          one of the eight; see `heorsynth.checks.planning.purposes.PURPOSES`
    margins : dict         estimand key to margin; replaces the default, or adds the estimand as decisive
    economics : dict       comparator, wtp (one threshold or several), cost, effect, baseline, adjust, impute, cluster
    analyses : sequence    the user's own analyses, each decisive unless it says otherwise
    use : str              "pooled" if analysts get all cohorts, "single" if one goes out alone; default: the purpose's
    refits : bool          whether the generator is fitted again: attacks on two releases are then made, and those with
                           which a patient's values are worked out decide where they fail

    Raises
    ------
    UnknownNameError       an unknown purpose, use, economics setting, comparator, cost or effect
    MarginError            an unknown estimand, an unsuitable or vacuous margin, a margin whose roles the cohort
                           lacks, or one that names an unknown endpoint, cost or utility
    RoleError              a threshold that is not a number above 0; a covariate or cluster that does not exist, or is
                           an outcome, the arm or the id
    AnalysisError          an analysis that is impossible, or names what the cohort lacks
    """
    wanted = purpose_of(purpose)
    if use is not None and use not in (POOLED, SINGLE):
        raise unknown_name("use", use, (POOLED, SINGLE))
    declared = dict(margins or {})
    chosen = checked_economics(economics or {}) | {"analyses": planned_analyses(analyses, cohort)}
    known = {key: margin_for(key, margin, chosen) for key, margin in declared.items()}
    impossible = [
        Problem(
            key,
            f"the cohort declares no {', '.join(lacking(key, cohort.schema))}",
            "declare the role, or drop the margin",
        )
        for key in declared
        if lacking(key, cohort.schema)
    ]
    for key, margin in known.items():
        if not lacking(key, cohort.schema):
            impossible += name_problems(key, margin, cohort) or vacuous(key, margin, cohort)
    if impossible:
        raise MarginError("margins", impossible)
    planned: dict[str, Margin] = {}
    absent: dict[str, list[str]] = {}
    for entry in (*wanted.decisive, *wanted.supporting):
        if roles := lacking(entry.key, cohort.schema):
            absent.setdefault(", ".join(roles), []).append(entry.key)
        else:
            default = margin_for(entry.key, {**entry.margin, "reason": entry.reason}, chosen)
            planned[entry.key] = known.get(entry.key, default)
    for offered, decides in ((OF_ANALYSES if analyses else (), True), (OF_RELEASES if refits else (), False)):
        own = (one.default for one in offered if one.key not in known)
        usual_margins = {one.key: margin_for(one.key, {**one.margin, "reason": one.reason}, chosen) for one in own}
        planned |= usual_margins
        known |= usual_margins if decides else {}
    planned |= {key: margin for key, margin in known.items() if key not in planned}
    _require_names(cohort, planned)
    usual = {entry.key for entry in wanted.decisive}
    if not _has_covariates(cohort):
        usual -= set(wanted.with_covariates)
    decisive = usual | set(known) - {OVERLAP.key}
    notes = list(_economic_notes(cohort, planned))
    notes += [
        f"Not checked, as the cohort declares no {roles}: {plain_names(keys)}."
        for roles, keys in absent.items()
        if not {"cluster", "visits", "derived"} & set(roles.split(", "))  # few cohorts have any
    ]
    return Plan(
        wanted,
        planned,
        frozenset(decisive),
        (*wanted.notes, *notes),
        frozenset(known),
        wanted.missing_roles(cohort.schema),
        wanted.use if use is None else use,
        alarms=frozenset(one.key for one in ALARMS) if refits else frozenset(),
    )


def _has_covariates(cohort: Observed) -> bool:
    """Return whether a column beside outcomes, arm and id exists, so that an adjusted analysis is possible."""
    schema = cohort.schema
    parts = [part for parts in schema.totals.values() for part in parts]
    roles = (*schema.identifiers, schema.entry, schema.arm, *schema.times, *schema.events)
    return bool(set(columns(cohort)) - {*roles, *parts, *schema.costs, *schema.utilities})


def _require_names(cohort: Observed, margins: Mapping[str, Margin]) -> None:
    """Raise RoleError for columns of an adjusted evaluation, UnknownNameError for an unknown cost or effect."""
    blocks: list[Mapping[str, object]] = []
    for margin in margins.values():
        if "comparator" in margin.settings and margin.settings not in blocks:
            blocks.append(margin.settings)
    for settings in blocks:
        if problems := economics_problems(cohort, settings):
            raise RoleError("economics", problems)
        with suppress(NotEstimableError):
            evaluations(cohort, settings)


def _economic_notes(cohort: Observed, margins: Mapping[str, Margin]) -> tuple[str, ...]:
    """Return notes on an unnamed comparator and on implausible effects, for an economic evaluation."""
    economic = [margin for margin in margins.values() if "comparator" in margin.settings]
    if not economic:
        return ()
    effect = economic[0].settings.get("effect")
    named = effect if effect in cohort.schema.utilities else next(iter(cohort.schema.utilities))
    settings = _with_thresholds(economic)
    return (
        *unnamed_comparator(cohort, settings.get("comparator")),
        *odd_effects(cohort, str(named)),
        *undeclared(cohort, settings),
        *missing_covariates(cohort, settings),
    )


def _with_thresholds(economic: Sequence[Margin]) -> Mapping[str, object]:
    """Return the settings of the first economic margin with thresholds; of the first one if none has any."""
    return next((one.settings for one in economic if one.settings.get("wtp")), economic[0].settings)


def checked_economics(economics: Mapping[str, object]) -> dict[str, object]:
    """Return the economics block with its thresholds as a tuple of numbers."""
    for key in economics:
        if key not in ECONOMICS:
            raise unknown_name("economics setting", str(key), ECONOMICS)
    chosen = {key: value for key, value in economics.items() if value is not None}
    imputations(chosen.get("impute"))
    if "adjust" in chosen:
        chosen["adjust"] = names_in("adjust", chosen["adjust"])
    if "wtp" in chosen:
        given = chosen["wtp"]
        listed = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        numbers = [float(number) for number in listed if is_number(number) and number > 0]
        if not listed or len(numbers) < len(listed):
            raise RoleError(
                "economics", Problem("wtp", "thresholds must be numbers above 0", "write wtp: [20000, 50000]")
            )
        chosen["wtp"] = tuple(dict.fromkeys(numbers))
    return chosen
