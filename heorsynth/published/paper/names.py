"""Names and counts within a paper file that do not fit together, each with its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from heorsynth.core.errors import Problem, nearest
from heorsynth.core.yaml_lines import Path_, line_of
from heorsynth.published.schema.document import AtRiskSection, Document, EndpointSection
from heorsynth.published.schema.fields import Source

_Named = Iterator[tuple[Path_, str]]


def name_problems(document: Document, lines: dict[Path_, int]) -> list[Problem]:
    """Return names of arms, citations and endpoints that are not declared, and numbers at risk that cannot be."""
    found: list[Problem] = []
    for at, name in _arms(document):
        if name not in document.arms:
            found.append(Problem(where(lines, at), f"{name!r} is not an arm", nearest(name, document.arms)))
    found += _citation_problems(document, lines)
    for index, pair in enumerate(document.order or ()):
        for name in pair:
            if name not in document.endpoints:
                fix = nearest(name, document.endpoints)
                found.append(Problem(where(lines, ("order", index)), f"{name!r} is not an endpoint", fix))
    for name, endpoint in document.endpoints.items():
        if endpoint.at_risk is not None and endpoint.at_risk.counts is not None:
            found += _at_risk_problems(endpoint.at_risk, ("endpoints", name, "at_risk"), lines)
    return found


def _citation_problems(document: Document, lines: dict[Path_, int]) -> Iterator[Problem]:
    for at, source in _sources(document):
        if source.citation is None and len(document.citations) > 1:
            fix = f"write source: {{citation: {next(iter(document.citations))}, table: 1}}"
            yield Problem(where(lines, at), "a source that does not say which paper", fix)
        elif source.citation is not None and source.citation not in document.citations:
            fix = nearest(source.citation, document.citations)
            yield Problem(where(lines, at), f"{source.citation!r} is not a citation", fix)


def where(lines: dict[Path_, int], at: Path_) -> str:
    """Return line and path of a key, for an error."""
    return f"line {line_of(lines, at)}, {'.'.join(map(str, at))}"


def _keys(at: Path_, names: Iterable[str]) -> _Named:
    for name in names:
        yield (*at, name), name


def _arms(document: Document) -> _Named:
    """Every use of an arm's name, with its place."""
    for name, endpoint in document.endpoints.items():
        yield from _arms_of(("endpoints", name), endpoint)
    if document.table1 is not None:
        for name, row in document.table1.characteristics.items():
            at: Path_ = ("table1", "characteristics", name)
            yield from _keys((*at, "arms"), row.arms)
            for level, cells in row.levels.items():
                yield from _keys((*at, "levels", level), cells)
    for kind, block in (("costs", document.costs), ("utilities", document.utilities)):
        for name, amounts in block.items():
            yield from _keys((kind, name, "arms"), amounts.arms)
    for index, one in enumerate(document.correlations):
        if one.arm is not None:
            yield ("correlations", index, "arm"), one.arm


def _arms_of(at: Path_, endpoint: EndpointSection) -> _Named:
    curves = endpoint.curves
    if curves is not None:
        yield from _keys((*at, "curves", "files"), curves.files or ())
        yield from _keys((*at, "curves", "svg", "paths"), curves.svg.paths if curves.svg else ())
        for written, arm in curves.rename.items():
            yield (*at, "curves", "rename", written), arm
    if endpoint.at_risk is not None:
        yield from _keys((*at, "at_risk", "counts"), endpoint.at_risk.counts or ())
    if endpoint.events is not None:
        yield from _keys((*at, "events", "counts"), endpoint.events.counts)
    if endpoint.medians is not None:
        yield from _keys((*at, "medians", "arms"), endpoint.medians.arms)
    for index, ratio in enumerate(endpoint.hazard_ratios):
        here: Path_ = (*at, "hazard_ratios", index)
        yield (*here, "arm"), ratio.arm
        yield (*here, "reference"), ratio.reference
        yield from _keys((*here, "n"), ratio.n)
        yield from _keys((*here, "events"), ratio.events)


def _sources(document: Document) -> Iterator[tuple[Path_, Source]]:
    """Every source of the file, with its place."""
    for name, arm in document.arms.items():
        yield ("arms", name, "source"), arm.source
    for name, endpoint in document.endpoints.items():
        for key in ("curves", "at_risk", "events", "medians"):
            section = getattr(endpoint, key)
            if section is not None:
                yield ("endpoints", name, key, "source"), section.source
        for index, ratio in enumerate(endpoint.hazard_ratios):
            yield ("endpoints", name, "hazard_ratios", index, "source"), ratio.source
    if document.table1 is not None:
        yield ("table1", "source"), document.table1.source
    for kind, block in (("costs", document.costs), ("utilities", document.utilities)):
        for name, amounts in block.items():
            yield (kind, name, "source"), amounts.source
    for index, one in enumerate(document.correlations):
        yield ("correlations", index, "source"), one.source


def _at_risk_problems(section: AtRiskSection, at: Path_, lines: dict[Path_, int]) -> Iterator[Problem]:
    times = section.times or []
    if any(later <= earlier for earlier, later in pairwise(times)) or min(times, default=0) < 0:
        yield Problem(where(lines, (*at, "times")), "times that do not rise from 0 up", "write them in order")
    for arm, counts in (section.counts or {}).items():
        place = where(lines, (*at, "counts", arm))
        if len(counts) != len(times):
            yield Problem(place, f"{len(counts)} counts for {len(times)} times", "write one count for every time")
        rising = [n for earlier, n in pairwise(counts) if n > earlier]
        if rising:
            yield Problem(
                place, f"numbers at risk that rise, to {rising[0]:,}", "correct the count: patients only leave"
            )
