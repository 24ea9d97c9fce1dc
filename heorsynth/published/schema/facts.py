"""Facts: one printed statement of a paper each, with the citation and the place where it stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from heorsynth.published.schema.document import (
    AtRiskSection,
    CharacteristicSection,
    Document,
    EndpointSection,
    IntervalSection,
    MomentsSection,
    RatioSection,
)
from heorsynth.published.schema.fields import Source
from heorsynth.published.schema.printed import Printed, printed

COLUMNS = ("fact", "kind", "endpoint", "arm", "subgroup", "quantity", "value", "low", "high", "level", "rounding",
           "unit", "citation", "place")  # fmt: skip
"""Columns of `Paper.to_frame`, in order."""


@dataclass(frozen=True)
class Fact:
    """One statement of a paper.

    Attributes
    ----------
    fact : str                   its name, such as "os.median.drug"
    kind : str                   arm, curve, at risk, events, median, hazard ratio, table 1, cost, utility, correlation
    endpoint, arm, subgroup : str
    quantity : str               such as "n", "mean of age" or "share of sex = female"
    value, low, high : float     as printed; NaN where there is none
    level : float                of the interval
    rounding : float             half a unit of the last printed digit of the value
    unit : str
    citation, place : str        where the paper states it
    """

    fact: str
    kind: str
    citation: str
    place: str
    endpoint: str = ""
    arm: str = ""
    subgroup: str = ""
    quantity: str = ""
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = math.nan
    rounding: float = math.nan
    unit: str = ""

    def row(self) -> tuple[object, ...]:
        """Return its row in `Paper.to_frame`."""
        return tuple(getattr(self, name) for name in COLUMNS)


@dataclass(frozen=True)
class _Place:
    """What facts of one section have in common."""

    kind: str
    citation: str
    place: str
    endpoint: str = ""

    def fact(self, name: str, value: Printed | int | None = None, **more: object) -> Fact:
        number = printed(str(value)) if isinstance(value, int) else value
        numbers = (
            {}
            if number is None
            else {"value": number.value, "rounding": 0.0 if isinstance(value, int) else number.half}
        )
        return Fact(name, self.kind, self.citation, self.place, self.endpoint, **numbers, **more)  # type: ignore[arg-type]


_At = Callable[..., _Place]
"""From a source, a kind and an endpoint to the place of facts."""


def facts_of(document: Document) -> tuple[Fact, ...]:
    """Return every fact of a paper file except the points of its curves, which have one fact for each arm."""
    only = next(iter(document.citations))

    def at(source: Source, kind: str, endpoint: str = "") -> _Place:
        return _Place(kind, source.citation or only, source.place, endpoint)

    found: list[Fact] = []
    for arm, section in document.arms.items():
        found.append(at(section.source, "arm").fact(f"n.{arm}", section.n, arm=arm, quantity="n"))
    for name, endpoint in document.endpoints.items():
        found += _of_endpoint(name, endpoint, at, list(document.arms))
    if document.table1 is not None:
        place = at(document.table1.source, "table 1")
        for name, row in document.table1.characteristics.items():
            found += _of_characteristic(place, name, row)
    for kind, block in (("cost", document.costs), ("utility", document.utilities)):
        for name, amounts in block.items():
            for arm, moments in amounts.arms.items():
                unit = f"{amounts.currency} {amounts.price_year or ''}".strip()
                found += _of_moments(at(amounts.source, kind), f"{kind}.{name}", name, arm, moments, unit)
    for index, one in enumerate(document.correlations):
        pair = " and ".join(one.between)
        more = {"arm": one.arm or "", "quantity": f"{one.kind} correlation of {pair}"}
        found.append(at(one.source, "correlation").fact(f"correlation.{index + 1}", one.value, **more))
    return tuple(found)


def _of_endpoint(name: str, one: EndpointSection, at: _At, arms: list[str]) -> Iterator[Fact]:
    if one.curves is not None:
        place = at(one.curves.source, "curve", name)
        named = one.curves.files or (one.curves.svg.paths if one.curves.svg else dict.fromkeys(arms))
        for arm in named:
            yield place.fact(f"{name}.curve.{arm}", arm=arm, quantity="survival", unit=one.unit)
    if one.at_risk is not None:
        yield from _of_at_risk(at(one.at_risk.source, "at risk", name), name, one.at_risk)
    if one.events is not None:
        for arm, n in one.events.counts.items():
            yield at(one.events.source, "events", name).fact(f"{name}.events.{arm}", n, arm=arm, quantity="events")
    if one.medians is not None:
        for arm, median in one.medians.arms.items():
            more = {"arm": arm, "quantity": "median", "unit": one.unit, **_interval(median, one.medians.level)}
            yield at(one.medians.source, "median", name).fact(f"{name}.median.{arm}", median.value, **more)
    for ratio in one.hazard_ratios:
        yield from _of_ratio(at(ratio.source, "hazard ratio", name), name, ratio)


def _of_at_risk(place: _Place, name: str, section: AtRiskSection) -> Iterator[Fact]:
    if section.counts is None:
        yield place.fact(f"{name}.at_risk", quantity="at risk")
    for arm, counts in (section.counts or {}).items():
        for time, n in zip(section.times or (), counts, strict=False):
            yield place.fact(f"{name}.at_risk.{arm}.{time:g}", n, arm=arm, quantity=f"at risk at {time:g}")


def ratio_name(endpoint: str, ratio: RatioSection) -> str:
    """Return the name of the fact of a hazard ratio."""
    group = ".".join(f"{name}={level}" for name, level in ratio.subgroup.items())
    return f"{endpoint}.hr.{ratio.arm}/{ratio.reference}" + (f".{group}" if group else "")


def _of_ratio(place: _Place, endpoint: str, ratio: RatioSection) -> Iterator[Fact]:
    name = ratio_name(endpoint, ratio)
    group = ", ".join(f"{key} = {level}" for key, level in ratio.subgroup.items())
    quantity = f"hazard ratio to {ratio.reference}" + (", adjusted" if ratio.adjusted else "")
    interval = _interval(ratio, ratio.level)
    yield place.fact(name, ratio.value, arm=ratio.arm, subgroup=group, quantity=quantity, **interval)
    for what, counts in (("n", ratio.n), ("events", ratio.events)):
        for arm, n in counts.items():
            yield place.fact(f"{name}.{what}.{arm}", n, arm=arm, subgroup=group, quantity=what)


def _interval(one: IntervalSection | RatioSection, level: float) -> dict[str, float]:
    ends = {name: bound.value for name, bound in (("low", one.low), ("high", one.high)) if bound is not None}
    return {**ends, "level": level} if ends else {}


def _of_characteristic(place: _Place, name: str, row: CharacteristicSection) -> Iterator[Fact]:
    for arm, moments in row.arms.items():
        yield from _of_moments(place, f"table1.{name}", name, arm, moments, row.unit)
    for level, cells in row.levels.items():
        for arm, cell in cells.items():
            base = f"table1.{name}.{level}"
            if cell.n is not None:
                yield place.fact(f"{base}.n.{arm}", cell.n, arm=arm, quantity=f"n of {name} = {level}")
            if cell.percent is not None:
                more: Mapping[str, object] = {"arm": arm, "quantity": f"percent of {name} = {level}", "unit": "%"}
                yield place.fact(f"{base}.percent.{arm}", cell.percent, **more)


def _of_moments(place: _Place, base: str, name: str, arm: str, one: MomentsSection, unit: str) -> Iterator[Fact]:
    for quantity in ("n", "mean", "sd", "se", "median", "zeros"):
        value = getattr(one, quantity)
        if value is not None:
            told = "share of zeros" if quantity == "zeros" else quantity
            own = "%" if isinstance(value, Printed) and value.percent else "" if quantity in ("n", "zeros") else unit
            yield place.fact(f"{base}.{quantity}.{arm}", value, arm=arm, quantity=f"{told} of {name}", unit=own)
    for quantity, words in (("iqr", "quartiles"), ("range", "range")):
        ends = getattr(one, quantity)
        if ends is not None:
            more = {"low": ends[0].value, "high": ends[1].value, "unit": unit}
            yield place.fact(f"{base}.{quantity}.{arm}", arm=arm, quantity=f"{words} of {name}", **more)
