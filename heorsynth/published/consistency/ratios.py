"""Rules of hazard ratios: against their own interval, and against the curves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from heorsynth.published.consistency.contradiction import IMPOSSIBLE, UNLIKELY, Contradiction, between
from heorsynth.published.consistency.shown import ShownCurve, rough_log_hazard_ratio, shown_curves
from heorsynth.published.schema.document import Document, EndpointSection, RatioSection
from heorsynth.published.schema.endpoint_data import EndpointData
from heorsynth.published.schema.facts import ratio_name
from heorsynth.published.schema.printed import Printed

ALLOWANCE, ALLOWANCE_IN_SE = 0.05, 0.75
"""The log hazard ratio may differ from that of the curves by 0.05 plus 0.75 standard errors, 2 / sqrt(events).

Published ratios are often adjusted or stratified. Chosen on 68 figures of kmdata 1.0.1 (0 false alarms); on the 71
figures of other trials 1 false alarm (1.4%). Adjusted ratios differ most where events are few."""


def ratio_contradictions(document: Document, data: Mapping[str, EndpointData]) -> Iterator[Contradiction]:
    """Yield the contradictions of hazard ratios."""
    for name, endpoint in document.endpoints.items():
        curves = shown_curves(document, data[name])
        for ratio in endpoint.hazard_ratios:
            fact = ratio_name(name, ratio)
            yield from _own_interval(fact, ratio)
            if not ratio.subgroup and ratio.arm in curves and ratio.reference in curves:
                yield from _against_curves(fact, name, endpoint, ratio, curves)


def _own_interval(fact: str, ratio: RatioSection) -> Iterator[Contradiction]:
    """A hazard ratio lies within its interval and, on the log scale, in its middle.

    The interval is exp(b ± z se), so value² = low · high up to the rounding of the three numbers.
    """
    low, value, high = ratio.low, ratio.value, ratio.high
    if low is None or high is None:
        return
    if size := value.misses(low.low, high.high):
        yield Contradiction((fact,), "hazard ratio outside its interval", between(low.value, high.value), value.text,
                            size, "hazard ratio", IMPOSSIBLE)  # fmt: skip
        return
    if min(low.low, value.low) <= 0:
        return
    least, most = math.sqrt(low.low * high.low), math.sqrt(low.high * high.high)
    if size := _log(value).misses(math.log(least), math.log(most)):
        yield Contradiction((fact,), "hazard ratio not in the middle of its interval", between(least, most),
                            value.text, size, "log hazard ratio", UNLIKELY)  # fmt: skip


def _log(one: Printed) -> Printed:
    """The logarithm of a printed ratio, with the larger half of its rounding."""
    middle = math.log(one.value)
    return Printed(middle, max(middle - math.log(one.low), math.log(one.high) - middle), one.text)


def _against_curves(
    fact: str, name: str, endpoint: EndpointSection, ratio: RatioSection, curves: Mapping[str, ShownCurve]
) -> Iterator[Contradiction]:
    pair = (ratio.arm, ratio.reference)
    shown = rough_log_hazard_ratio(curves[ratio.arm], curves[ratio.reference])
    counts = endpoint.events.counts if endpoint.events is not None else {}
    events = sum(counts.get(arm, sum(curves[arm].events_between(0.0)) / 2) for arm in pair)
    if not math.isfinite(shown) or events < 1 or ratio.value.low <= 0:
        return
    allowed = ALLOWANCE + ALLOWANCE_IN_SE * 2 / math.sqrt(events)
    if size := _log(ratio.value).misses(shown - allowed, shown + allowed):
        facts = (fact, *(f"{name}.curve.{arm}" for arm in pair))
        expected = between(math.exp(shown - allowed), math.exp(shown + allowed))
        yield Contradiction(facts, "hazard ratio against the curves", expected, ratio.value.text, size,
                            "log hazard ratio", UNLIKELY)  # fmt: skip
