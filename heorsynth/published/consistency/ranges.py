"""Rules of single numbers: spreads are not negative, ratios positive, correlations between -1 and 1."""

from __future__ import annotations

import math
from collections.abc import Iterator

from heorsynth.published.consistency.contradiction import Contradiction, between
from heorsynth.published.schema.document import Document
from heorsynth.published.schema.facts import ratio_name
from heorsynth.published.schema.printed import Printed


def range_contradictions(document: Document) -> Iterator[Contradiction]:
    """Yield the numbers that no patients can have."""
    for fact, rule, number, low, high in _bounded(document):
        if number is not None and number.reached and (size := number.misses(low, high)):
            expected = f"at least {low:g}" if math.isinf(high) else between(low, high)
            yield Contradiction((fact,), rule, expected, number.text, size)


def _bounded(document: Document) -> Iterator[tuple[str, str, Printed | None, float, float]]:
    """Each bounded number with its fact, its rule and its bounds."""
    for name, endpoint in document.endpoints.items():
        for arm, median in (endpoint.medians.arms if endpoint.medians is not None else {}).items():
            for number in (median.value, median.low, median.high):
                yield f"{name}.median.{arm}", "a time below 0", number, 0.0, math.inf
        for ratio in endpoint.hazard_ratios:
            for number in (ratio.value, ratio.low, ratio.high):
                yield ratio_name(name, ratio), "hazard ratio below 0", number, 0.0, math.inf
    rows = document.table1.characteristics if document.table1 is not None else {}
    blocks = [(f"table1.{name}", row.arms) for name, row in rows.items()]
    blocks += [(f"cost.{name}", one.arms) for name, one in document.costs.items()]
    blocks += [(f"utility.{name}", one.arms) for name, one in document.utilities.items()]
    for base, arms in blocks:
        for arm, moments in arms.items():
            yield f"{base}.sd.{arm}", "standard deviation below 0", moments.sd, 0.0, math.inf
            yield f"{base}.se.{arm}", "standard error below 0", moments.se, 0.0, math.inf
    for index, one in enumerate(document.correlations):
        yield f"correlation.{index + 1}", "correlation outside -1 to 1", one.value, -1.0, 1.0
