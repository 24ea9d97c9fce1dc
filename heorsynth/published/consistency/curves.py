"""Rules of curves: events, medians and numbers at risk against the curve, and PFS below OS."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from heorsynth.published.consistency.contradiction import Contradiction, between
from heorsynth.published.consistency.counts import ordered_pairs
from heorsynth.published.consistency.shown import ShownCurve, shown_curves
from heorsynth.published.schema.document import Document, EndpointSection
from heorsynth.published.schema.endpoint_data import EndpointData
from heorsynth.published.schema.printed import Printed

CLICK, PIXEL = 0.005, 0.005
"""Error of a clicked point: of survival, and of time as a share of the axis; about two pixels of a figure of 400."""


def curve_contradictions(document: Document, data: Mapping[str, EndpointData]) -> Iterator[Contradiction]:
    """Yield the contradictions of curves with events, medians, numbers at risk and each other."""
    shown = {name: shown_curves(document, data[name]) for name in document.endpoints}
    for name, endpoint in document.endpoints.items():
        for arm, curve in shown[name].items():
            has_table = bool((data[name].at_risk["arm"] == arm).any())
            yield from _events(name, arm, endpoint, curve, has_table)
            yield from _median(name, arm, endpoint, curve)
            if has_table:
                yield from _at_risk(name, arm, curve)
    for first, second in ordered_pairs(document):
        for arm in set(shown[first]) & set(shown[second]):
            yield from _order(first, second, arm, shown[first][arm], shown[second][arm])
        yield from _order_of_medians(first, second, document)


def _events(
    name: str, arm: str, endpoint: EndpointSection, curve: ShownCurve, has_table: bool
) -> Iterator[Contradiction]:
    stated = endpoint.events.counts.get(arm) if endpoint.events is not None else None
    if stated is None:
        return
    low, high = curve.events_between(CLICK)
    low, high = math.floor(low), math.ceil(high)
    size = Printed(stated, 0.0, str(stated)).misses(low, high)
    if size:
        facts = (f"{name}.events.{arm}", f"{name}.curve.{arm}", *((f"{name}.at_risk.{arm}",) if has_table else ()))
        rule = "fewer events than the curve implies" if size < 0 else "more events than the curve allows"
        yield Contradiction(facts, rule, between(low, high), str(stated), size, "events")


def _median(name: str, arm: str, endpoint: EndpointSection, curve: ShownCurve) -> Iterator[Contradiction]:
    if endpoint.medians is None or arm not in endpoint.medians.arms:
        return
    stated = endpoint.medians.arms[arm].value
    earliest, latest = curve.median_between(CLICK, PIXEL * curve.last)
    facts = (f"{name}.median.{arm}", f"{name}.curve.{arm}")
    rule = "median against the curve"
    if math.isinf(earliest):
        if stated.reached:
            over = float(curve.survival[-1]) - 0.5
            yield Contradiction(facts, rule, "the curve stays above one half", stated.text, over, "survival")
    elif not stated.reached:
        if math.isfinite(latest):
            below = 0.5 - float(curve.survival[-1])
            yield Contradiction(facts, rule, between(earliest, latest), stated.text, below, "survival")
    elif size := stated.misses(max(earliest, 0.0), latest):
        expected = between(earliest, latest) if math.isfinite(latest) else f"at least {earliest:.4g}"
        yield Contradiction(facts, rule, expected, stated.text, size, endpoint.unit)


def _at_risk(name: str, arm: str, curve: ShownCurve) -> Iterator[Contradiction]:
    """Patients at risk are alive: at most n · S(t), because Kaplan-Meier is never below the share still at risk."""
    most = curve.risk[0] * (curve.at(curve.risk_time - PIXEL * curve.last) + CLICK) + 1
    over = curve.risk - most
    over[0] = 0.0
    if (worst := int(np.argmax(over))) and over[worst] > 0:
        time = f"{curve.risk_time[worst]:g}"
        facts = (f"{name}.at_risk.{arm}.{time}", f"{name}.curve.{arm}")
        yield Contradiction(facts, "more patients at risk than the curve leaves", f"at most {most[worst]:.1f}",
                            f"{curve.risk[worst]:g}", float(over[worst]), "patients")  # fmt: skip


def _order(first: str, second: str, arm: str, early: ShownCurve, late: ShownCurve) -> Iterator[Contradiction]:
    last = min(early.last, late.last)
    grid = np.unique(np.concatenate([early.time, late.time]))
    grid = grid[grid <= last]
    pixel = PIXEL * last
    over = early.at(grid + pixel) - late.at(grid - pixel) - 2 * CLICK
    worst = int(np.argmax(over)) if len(over) else 0
    if len(over) and over[worst] > 0:
        facts = (f"{first}.curve.{arm}", f"{second}.curve.{arm}")
        stated = f"{float(early.at(grid[worst])):.3f} at {grid[worst]:.4g}"
        yield Contradiction(facts, f"{first} above {second}", f"at most {float(late.at(grid[worst])):.3f}", stated,
                            float(over[worst]), "survival")  # fmt: skip


def _order_of_medians(first: str, second: str, document: Document) -> Iterator[Contradiction]:
    early, late = document.endpoints[first], document.endpoints[second]
    if early.medians is None or late.medians is None or early.unit != late.unit:
        return
    for arm in set(early.medians.arms) & set(late.medians.arms):
        one, other = early.medians.arms[arm].value, late.medians.arms[arm].value
        if other.reached and (size := one.misses(0.0, other.high) if one.reached else math.inf):
            facts = (f"{first}.median.{arm}", f"{second}.median.{arm}")
            yield Contradiction(facts, f"median of {first} above that of {second}", f"at most {other.text}", one.text,
                                size, early.unit)  # fmt: skip
