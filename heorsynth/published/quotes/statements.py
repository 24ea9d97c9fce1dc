"""The numbers of a paper file, each with its place in the file and the name of its fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from heorsynth.core.yaml_lines import Path_
from heorsynth.published.quotes.sentence import has_number
from heorsynth.published.schema.document import (
    CharacteristicSection,
    Document,
    EndpointSection,
    IntervalSection,
    MomentsSection,
    RatioSection,
)
from heorsynth.published.schema.facts import ratio_name
from heorsynth.published.schema.printed import Printed


@dataclass(frozen=True)
class Statement:
    """A number of a paper file.

    Attributes
    ----------
    fact : str      name of its fact, as in `Paper.to_frame`; also "os.at_risk.times", "os.median.level" and the like
    at : tuple      path in the file
    text : str      the number as written
    """

    fact: str
    at: Path_
    text: str

    def stands_in(self, quote: str) -> bool:
        """Whether a quoted sentence contains the number; a level of 0.95 may be written 95%."""
        if self.at[-1] == "level" and has_number(quote, f"{100 * float(self.text):g}"):
            return True
        return has_number(quote, self.text)


def statements_of(document: Document) -> Iterator[Statement]:
    """Yield every number of a paper file that the text of the paper can state; curves are not among them."""
    for arm, one in document.arms.items():
        yield Statement(f"n.{arm}", ("arms", arm, "n"), str(one.n))
    for name, endpoint in document.endpoints.items():
        yield from _of_endpoint(name, endpoint, ("endpoints", name))
    if document.table1 is not None:
        for name, row in document.table1.characteristics.items():
            yield from _of_characteristic(f"table1.{name}", row, ("table1", "characteristics", name))
    for kind, key, block in (("cost", "costs", document.costs), ("utility", "utilities", document.utilities)):
        for name, amounts in block.items():
            base = f"{kind}.{name}"
            if amounts.price_year is not None:
                yield Statement(f"{base}.price_year", (key, name, "price_year"), str(amounts.price_year))
            for arm, moments in amounts.arms.items():
                yield from _of_moments(base, arm, moments, (key, name, "arms", arm))
    for index, correlation in enumerate(document.correlations):
        yield Statement(f"correlation.{index + 1}", ("correlations", index, "value"), correlation.value.text)


def _of_endpoint(name: str, one: EndpointSection, at: Path_) -> Iterator[Statement]:
    if one.at_risk is not None and one.at_risk.counts is not None:
        times = one.at_risk.times or []
        for index, time in enumerate(times):
            yield Statement(f"{name}.at_risk.times", (*at, "at_risk", "times", index), f"{time:g}")
        for arm, counts in one.at_risk.counts.items():
            for index, (time, n) in enumerate(zip(times, counts, strict=False)):
                yield Statement(f"{name}.at_risk.{arm}.{time:g}", (*at, "at_risk", "counts", arm, index), str(n))
    if one.events is not None:
        yield from _of_counts(f"{name}.events", one.events.counts, (*at, "events", "counts"))
    yield from _of_medians(name, one, (*at, "medians"))
    for index, ratio in enumerate(one.hazard_ratios):
        fact, here = ratio_name(name, ratio), (*at, "hazard_ratios", index)
        yield from _of_interval(fact, ratio, here)
        if "level" in ratio.model_fields_set:
            yield Statement(f"{fact}.level", (*here, "level"), f"{ratio.level:g}")
        yield from _of_counts(f"{fact}.n", ratio.n, (*here, "n"))
        yield from _of_counts(f"{fact}.events", ratio.events, (*here, "events"))


def _of_medians(name: str, one: EndpointSection, at: Path_) -> Iterator[Statement]:
    if one.medians is not None:
        if "level" in one.medians.model_fields_set:
            yield Statement(f"{name}.median.level", (*at, "level"), f"{one.medians.level:g}")
        for arm, median in one.medians.arms.items():
            yield from _of_interval(f"{name}.median.{arm}", median, (*at, "arms", arm))


def _of_counts(base: str, counts: Mapping[str, int], at: Path_) -> Iterator[Statement]:
    for arm, n in counts.items():
        yield Statement(f"{base}.{arm}", (*at, arm), str(n))


def _of_interval(fact: str, one: IntervalSection | RatioSection, at: Path_) -> Iterator[Statement]:
    for key in ("value", "low", "high"):
        number = getattr(one, key)
        if number is not None:
            yield Statement(fact, (*at, key), number.text)


def _of_characteristic(base: str, row: CharacteristicSection, at: Path_) -> Iterator[Statement]:
    for arm, moments in row.arms.items():
        yield from _of_moments(base, arm, moments, (*at, "arms", arm))
    for level, cells in row.levels.items():
        for arm, cell in cells.items():
            here = (*at, "levels", level, arm)
            if cell.n is not None:
                yield Statement(f"{base}.{level}.n.{arm}", (*here, "n"), str(cell.n))
            if cell.percent is not None:
                yield Statement(f"{base}.{level}.percent.{arm}", (*here, "percent"), cell.percent.text)


def _of_moments(base: str, arm: str, one: MomentsSection, at: Path_) -> Iterator[Statement]:
    for key in type(one).model_fields:
        value = getattr(one, key)
        numbers = [((key,), value)] if not isinstance(value, list) else [((key, i), end) for i, end in enumerate(value)]
        for place, number in numbers:
            if number is not None:
                text = number.text if isinstance(number, Printed) else str(number)
                yield Statement(f"{base}.{key}.{arm}", (*at, *place), text)
