"""Rules of tables: percentages, levels, standard deviations and the order of mean, median and quartiles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from heorsynth.published.consistency.contradiction import UNLIKELY, Contradiction, between
from heorsynth.published.schema.document import CharacteristicSection, Document, MomentsSection
from heorsynth.published.schema.printed import Printed

_RANGES = {"utility": (-math.inf, 1.0), "cost": (-math.inf, math.inf), "table1": (-math.inf, math.inf)}


def table_contradictions(document: Document) -> Iterator[Contradiction]:
    """Yield the contradictions within Table 1, costs and utilities."""
    rows = document.table1.characteristics if document.table1 is not None else {}
    for name, row in rows.items():
        for arm, moments in row.arms.items():
            yield from _of_moments(f"table1.{name}", arm, moments, document.arms[arm].n, "table1")
        for arm in document.arms:
            yield from _of_levels(f"table1.{name}", arm, row, document.arms[arm].n)
    for kind, block in (("cost", document.costs), ("utility", document.utilities)):
        for name, amounts in block.items():
            for arm, moments in amounts.arms.items():
                yield from _of_moments(f"{kind}.{name}", arm, moments, document.arms[arm].n, kind)


def _of_levels(base: str, arm: str, row: CharacteristicSection, n: int) -> Iterator[Contradiction]:
    cells = {level: by_arm[arm] for level, by_arm in row.levels.items() if arm in by_arm}
    counts = {level: cell.n for level, cell in cells.items() if cell.n is not None}
    known = sum(counts.values())
    names = tuple(f"{base}.{level}.n.{arm}" for level in counts)
    if known > n:
        yield Contradiction((*names, f"n.{arm}"), "levels sum to more than the arm", f"at most {n}", f"{known}",
                            known - n, "patients")  # fmt: skip
    wholes = [n] if len(counts) < len(row.levels) or known > n else [n, known]
    for level, cell in cells.items():
        if cell.n is None or cell.percent is None:
            continue
        misses = [cell.percent.misses(100 * cell.n / whole, 100 * cell.n / whole) for whole in wholes if whole]
        size = min(misses, key=abs)
        if size:
            yield Contradiction(
                (f"{base}.{level}.n.{arm}", f"{base}.{level}.percent.{arm}", f"n.{arm}"),
                "percentage against count and total",
                f"{100 * cell.n / n:.2f}%", f"{cell.percent.text}%".replace("%%", "%"), size, "percentage points",
            )  # fmt: skip
    percents = [cell.percent for cell in cells.values() if cell.percent is not None]
    total, slack = sum(one.value for one in percents), sum(one.half for one in percents)
    if total - slack > 100 + 1e-9:
        facts = tuple(f"{base}.{level}.percent.{arm}" for level, cell in cells.items() if cell.percent is not None)
        yield Contradiction(facts, "percentages of levels sum to more than 100", f"at most {100 + slack:g}%",
                            f"{total:g}%", total - slack - 100, "percentage points")  # fmt: skip


def _of_moments(base: str, arm: str, one: MomentsSection, n: int, kind: str) -> Iterator[Contradiction]:
    n = one.n or n
    yield from _order(base, arm, one, kind)
    yield from _spread(base, arm, one, n)
    if one.zeros is not None:
        share = 1.0 if not one.zeros.percent else 100.0
        if size := one.zeros.misses(0, share):
            facts = (f"{base}.zeros.{arm}",)
            yield Contradiction(facts, "share of zeros", f"0 to {share:g}", one.zeros.text, size)


def _order(base: str, arm: str, one: MomentsSection, kind: str) -> Iterator[Contradiction]:
    """Minimum ≤ first quartile ≤ median ≤ third quartile ≤ maximum, and the mean within the range."""
    chain: list[tuple[str, Printed]] = []
    if one.range is not None:
        chain.append(("range", one.range[0]))
    if one.iqr is not None:
        chain.append(("iqr", one.iqr[0]))
    if one.median is not None:
        chain.append(("median", one.median))
    if one.iqr is not None:
        chain.append(("iqr", one.iqr[1]))
    if one.range is not None:
        chain.append(("range", one.range[1]))
    for (lower, low), (upper, high) in pairwise(chain):
        if size := high.misses(low.low, math.inf):
            facts = tuple(dict.fromkeys((f"{base}.{lower}.{arm}", f"{base}.{upper}.{arm}")))
            yield Contradiction(facts, "order of range, quartiles and median", f"at least {low.text}", high.text, size)
    least, most = (one.range[0].low, one.range[1].high) if one.range is not None else (-math.inf, math.inf)
    most = min(most, _RANGES[kind][1])
    if one.mean is not None and (size := one.mean.misses(least, most)):
        facts = (f"{base}.mean.{arm}", *((f"{base}.range.{arm}",) if one.range is not None else ()))
        yield Contradiction(facts, "mean outside its range", between(least, most), one.mean.text, size)


def _spread(base: str, arm: str, one: MomentsSection, n: int) -> Iterator[Contradiction]:
    """Bounds of the standard deviation; s² = n / (n - 1) times the variance of the n values.

    Given mean m and range [a, b], the variance is at most (m - a)(b - m) (Bhatia & Davis 2000, Am Math Mon 107:353);
    without the mean at most (b - a)² / 4. Mean and median differ by at most one standard deviation.
    """
    factor = math.sqrt(n / (n - 1)) if n > 1 else math.inf
    if one.sd is not None and one.range is not None:
        low, high = one.range[0].low, one.range[1].high
        most = (high - low) / 2
        if one.mean is not None and low <= one.mean.value <= high:
            middle = min(max((low + high) / 2, one.mean.low), one.mean.high)
            most = math.sqrt(max((middle - low) * (high - middle), 0.0))
        if size := one.sd.misses(0, most * factor):
            yield Contradiction((f"{base}.sd.{arm}", f"{base}.range.{arm}"),
                                "standard deviation impossible for the range",
                                f"at most {most * factor:.4g}", one.sd.text, size)  # fmt: skip
    if one.sd is not None and one.mean is not None and one.median is not None:
        apart = abs(one.mean.value - one.median.value) - one.mean.half - one.median.half
        if apart > one.sd.high:
            facts = tuple(f"{base}.{name}.{arm}" for name in ("mean", "median", "sd"))
            yield Contradiction(facts, "mean and median more than one standard deviation apart",
                                f"at most {one.sd.text}", f"{apart:.4g}", apart - one.sd.high)  # fmt: skip
    if one.sd is not None and one.se is not None:
        root = math.sqrt(n)
        if size := one.se.misses(one.sd.low / root, one.sd.high / root):
            yield Contradiction((f"{base}.se.{arm}", f"{base}.sd.{arm}", f"n.{arm}"),
                                "standard error against standard deviation and n",
                                between(one.sd.low / root, one.sd.high / root), one.se.text, size,
                                severity=UNLIKELY)  # fmt: skip
