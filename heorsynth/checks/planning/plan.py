"""Turns a purpose, a cohort's roles and declared margins into what each check is asked, before any result is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed
from heorsynth.checks.core.question import Question, Standing
from heorsynth.checks.economics.arms import odd_effects, unnamed_comparator
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, lacking, margin_for, plain_names, vacuous
from heorsynth.checks.planning.purposes import Purpose, purpose_of
from heorsynth.checks.planning.settings import name_problems
from heorsynth.core.errors import MarginError, Problem, RoleError, unknown_name
from heorsynth.core.numbers import is_number

NO_DATA = "no data match the margin's endpoint, column or group"

ECONOMICS = ("comparator", "wtp", "cost", "effect")
"""What an `economics` block may say."""


@dataclass(frozen=True)
class Plan:
    """What will be asked of the cohorts, and which answers the verdict rests on.

    Attributes
    ----------
    purpose : Purpose       what the cohorts are for
    margins : Mapping       estimand key to margin, in the order of the purpose
    decisive : frozenset    keys the verdict rests on
    notes : tuple           what is not asked, and why
    declared : frozenset    keys that were asked for by name: each must have an answer
    """

    purpose: Purpose
    margins: Mapping[str, Margin]
    decisive: frozenset[str]
    notes: tuple[str, ...]
    declared: frozenset[str] = frozenset()

    def by_check(self) -> dict[str, dict[str, Margin]]:
        """The margins each check is given, in the order of the registry."""
        asked = {
            name: {key: self.margins[key] for key in registry.estimands_of(name) if key in self.margins}
            for name in registry.names()
        }
        return {name: margins for name, margins in asked.items() if margins}

    def standing(self, constructed: frozenset[str] = frozenset(), after: Sequence[str] = ()) -> Standing:
        """What the purpose says about every finding, with the lineage of the rows: `after` is said of each."""
        return Standing(self.decisive, frozenset(self.purpose.by_subgroup), constructed, after=tuple(after))

    def unanswered(self, findings: Sequence[Finding], everyone: Group, standing: Standing) -> list[Finding]:
        """A finding "not estimable" for each declared margin that no check had an answer to: none may vanish."""
        answered = {finding.key for finding in findings}
        return [
            Question(ESTIMANDS[key], ESTIMANDS[key].definition, everyone, margin, standing).refuse(NO_DATA)
            for key, margin in self.margins.items()
            if key in self.declared and key not in answered
        ]

    def not_asked(self, findings: Sequence[Finding]) -> tuple[str, ...]:
        """A note on the purpose's own estimands that had nothing to look at in this cohort."""
        answered = {finding.key for finding in findings}
        silent = [key for key in self.margins if key not in answered and key not in self.declared]
        return (f"Nothing in the cohort to ask of: {plain_names(silent)}.",) if silent else ()


def plan(
    cohort: Observed,
    purpose: str,
    margins: Mapping[str, Margin | Mapping[str, object]] | None = None,
    economics: Mapping[str, object] | None = None,
) -> Plan:
    """What a purpose asks of a cohort.

    Parameters
    ----------
    purpose : str          one of the seven; see `heorsynth.checks.planning.purposes.PURPOSES`
    margins : dict         estimand key to margin, replacing the default or adding the estimand as decisive
    economics : dict       comparator, wtp (one threshold or several), cost, effect

    Raises
    ------
    UnknownNameError       an unknown purpose or economics setting
    MarginError            an unknown estimand, an unsuitable or vacuous margin, one whose roles the cohort lacks, or
                           one that names an endpoint, cost or utility it does not have
    RoleError              a threshold that is not a number above 0
    """
    wanted = purpose_of(purpose)
    declared = dict(margins or {})
    chosen = checked_economics(economics or {})
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
    asked_for: dict[str, Margin] = {}
    absent: dict[str, list[str]] = {}
    decisive = wanted.decisive
    for asked in (*decisive, *wanted.supporting):
        if roles := lacking(asked.key, cohort.schema):
            absent.setdefault(", ".join(roles), []).append(asked.key)
        else:
            default = margin_for(asked.key, {**asked.margin, "reason": asked.reason}, chosen)
            asked_for[asked.key] = known.get(asked.key, default)
    asked_for |= {key: margin for key, margin in known.items() if key not in asked_for}
    rests_on = {asked.key for asked in decisive} | set(known)
    notes = list(_unsaid(cohort, asked_for))
    notes += [f"Not asked, as the cohort declares no {roles}: {plain_names(keys)}." for roles, keys in absent.items()]
    return Plan(wanted, asked_for, frozenset(rests_on), (*wanted.notes, *notes), frozenset(known))


def _unsaid(cohort: Observed, margins: Mapping[str, Margin]) -> tuple[str, ...]:
    """What an economic evaluation rests on that nobody said, or that is odd in the columns."""
    economic = [margin for margin in margins.values() if "comparator" in margin.settings]
    if not economic:
        return ()
    effect = economic[0].settings.get("effect")
    named = effect if effect in cohort.schema.utilities else next(iter(cohort.schema.utilities))
    return (*unnamed_comparator(cohort, economic[0].settings.get("comparator")), *odd_effects(cohort, str(named)))


def checked_economics(economics: Mapping[str, object]) -> dict[str, object]:
    """The economics block with its thresholds as a tuple of numbers."""
    for key in economics:
        if key not in ECONOMICS:
            raise unknown_name("economics setting", str(key), ECONOMICS)
    chosen = dict(economics)
    if "wtp" in chosen:
        given = chosen["wtp"]
        numbers = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        if not numbers or not all(_is_threshold(number) for number in numbers):
            raise RoleError(
                "economics", Problem("wtp", "thresholds must be numbers above 0", "write wtp: [20000, 50000]")
            )
        chosen["wtp"] = tuple(dict.fromkeys(float(number) for number in numbers))  # type: ignore[arg-type]
    return chosen


def _is_threshold(number: object) -> bool:
    return is_number(number) and number > 0


def known_estimands() -> dict[str, str]:
    """Every estimand key with its one-line description: what the command line's `checks` lists."""
    return {key: estimand.definition for key, estimand in ESTIMANDS.items()}
