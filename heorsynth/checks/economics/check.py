"""Economic evaluation: incremental cost and effect, net benefit, and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from heorsynth.checks.core.estimand import EVERY_GROUP
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, SUBGROUP, Group
from heorsynth.checks.core.question import Ask, Scope
from heorsynth.checks.core.refusals import reason_of
from heorsynth.checks.economics.arms import Evaluation, evaluations, thresholds
from heorsynth.checks.economics.compared import Adjusted, AllArms, Compared, Pair, imputation_seed
from heorsynth.core.errors import NotEstimableError


def check(scope: Scope) -> list[Finding]:
    """Return the findings on incremental cost and QALY, net benefit at each threshold, and the decision."""
    findings: list[Finding] = []
    groups = [part for part in scope.groups() if part.kind in (ALL, SUBGROUP)]
    for ask in scope.asks():
        try:
            pairs = evaluations(scope.real, ask.margin.settings)
        except NotEstimableError as error:
            findings.append(ask.question(_short_name(ask)).refuse(reason_of(error)))
            continue
        if not pairs:
            findings.append(ask.question(_short_name(ask)).refuse("only one arm: a comparison needs two"))
        within = ask.estimand.asked_of == EVERY_GROUP and thresholds(ask.margin.settings)
        for group in groups if within else groups[:1]:
            for pair in pairs:
                findings += ask.estimand.answer(_of_pair(ask, group, pair))
            if len(pairs) > 1 and ask.estimand.among_all is not None:
                findings += ask.estimand.among_all(_of_all(ask, group, pairs))
    return findings


def _short_name(ask: Ask) -> str:
    """Return the label of an economic question without arms and thresholds."""
    return ask.estimand.key.split(".")[1].replace("_", " ")


def _of_pair(ask: Ask, group: Group, pair: Evaluation) -> Pair:
    """Return the question about a treatment and the comparator; estimands share the evaluation of the two."""
    within = group.against(str(ask.scope.real.schema.arm), pair.treatment, pair.comparator)
    adjusted = _adjusted(ask, group, pair)
    compared = ask.scope.shared((group.label, pair), lambda: Compared(within, pair, adjusted))
    per, how = pair.per(ask.scope.real.schema), _told(pair)
    return Pair(ask.estimand, ask.margin, ask.scope, within, per=per, how=how, compared=compared)


def _told(pair: Evaluation) -> str:
    return "" if pair.analysis is None else pair.analysis.told


def _adjusted(ask: Ask, group: Group, pair: Evaluation) -> Adjusted | None:
    """Return the adjusted means of all arms of a group, which its pairs share; None for a plain evaluation."""
    analysis = pair.analysis
    if analysis is None:
        return None
    seed = imputation_seed(ask.rng)
    return ask.scope.shared((group.label, analysis), lambda: Adjusted(group, analysis, seed))


def _of_all(ask: Ask, group: Group, pairs: Sequence[Evaluation]) -> AllArms:
    """Return the question about all arms together, with a group labelled by them."""
    arms = [pairs[0].comparator, *(pair.treatment for pair in pairs)]
    label = f"{ask.scope.real.schema.arm}: {', '.join(arms)}"
    named = replace(group, label=label if group.kind == ALL else f"{label}, {group.label}")
    per = pairs[0].per(ask.scope.real.schema)
    adjusted, how = _adjusted(ask, group, pairs[0]), _told(pairs[0])
    return AllArms(ask.estimand, ask.margin, ask.scope, named, per=per, how=how, pairs=tuple(pairs), adjusted=adjusted)
