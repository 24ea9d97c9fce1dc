"""Rules of counts: patients, numbers at risk at time 0, events, and subgroups against all patients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from heorsynth.published.consistency.contradiction import UNLIKELY, Contradiction
from heorsynth.published.schema.document import Document, EndpointSection
from heorsynth.published.schema.endpoint_data import EndpointData


def count_contradictions(document: Document, data: Mapping[str, EndpointData]) -> Iterator[Contradiction]:
    """Yield contradictions between counts of patients and events."""
    for name, endpoint in document.endpoints.items():
        yield from _at_start(document, name, data[name])
        counts = endpoint.events.counts if endpoint.events is not None else {}
        for arm, events in counts.items():
            if events > document.arms[arm].n:
                facts = (f"{name}.events.{arm}", f"n.{arm}")
                expected = f"at most {document.arms[arm].n}"
                yield Contradiction(facts, "more events than patients", expected, str(events),
                                    events - document.arms[arm].n, "events")  # fmt: skip
        yield from _subgroups(document, name, endpoint)
    yield from _ordered_events(document)


def _at_start(document: Document, name: str, data: EndpointData) -> Iterator[Contradiction]:
    first = data.at_risk[data.at_risk["time"] == 0]
    for arm, n in zip(first["arm"], first["at_risk"], strict=True):
        stated = document.arms[arm].n
        if n != stated:
            facts = (f"{name}.at_risk.{arm}.0", f"n.{arm}")
            yield Contradiction(facts, "patients against the number at risk at time 0", str(stated), f"{n:g}",
                                float(n) - stated, "patients")  # fmt: skip


def _subgroups(document: Document, name: str, endpoint: EndpointSection) -> Iterator[Contradiction]:
    """Levels of one subgrouping column sum to no more than the arm, and agree with Table 1."""
    sums: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for ratio in endpoint.hazard_ratios:
        if len(ratio.subgroup) != 1:
            continue
        ((column, level),) = ratio.subgroup.items()
        base = f"{name}.hr.{ratio.arm}/{ratio.reference}.{column}={level}"
        for what, counts in (("n", ratio.n), ("events", ratio.events)):
            for arm, n in counts.items():
                sums[what, column, arm][f"{base}.{what}.{arm}"] = n
        yield from _against_table_1(document, base, column, level, ratio.n)
    for (what, column, arm), parts in sums.items():
        if what == "n":
            whole, fact = document.arms[arm].n, f"n.{arm}"
        elif endpoint.events is not None and arm in endpoint.events.counts:
            whole, fact = endpoint.events.counts[arm], f"{name}.events.{arm}"
        else:
            continue
        total = sum(parts.values())
        if total > whole:
            unit = "patients" if what == "n" else "events"
            yield Contradiction((*parts, fact), f"subgroups of {column} sum to more than all patients",
                                f"at most {whole}", str(total), total - whole, unit)  # fmt: skip


def _against_table_1(
    document: Document, base: str, column: str, level: str, counts: Mapping[str, int]
) -> Iterator[Contradiction]:
    rows = document.table1.characteristics if document.table1 is not None else {}
    cells = rows[column].levels.get(level, {}) if column in rows else {}
    for arm, n in counts.items():
        stated = cells[arm].n if arm in cells else None
        if stated is not None and stated != n:
            facts = (f"{base}.n.{arm}", f"table1.{column}.{level}.n.{arm}")
            yield Contradiction(facts, "subgroup against Table 1", str(stated), str(n), n - stated, "patients",
                                UNLIKELY)  # fmt: skip


def ordered_pairs(document: Document) -> list[tuple[str, str]]:
    """Return pairs of endpoints of which the first never comes after the second: as declared, or pfs and os."""
    if document.order is not None:
        return [(first, second) for first, second in document.order]
    by_name = {name.casefold(): name for name in document.endpoints}
    return [(by_name["pfs"], by_name["os"])] if {"pfs", "os"} <= set(by_name) else []


def _ordered_events(document: Document) -> Iterator[Contradiction]:
    for first, second in ordered_pairs(document):
        early, late = document.endpoints[first].events, document.endpoints[second].events
        for arm, n in (early.counts if early is not None and late is not None else {}).items():
            deaths = late.counts.get(arm, 0) if late is not None else 0
            if deaths > n:
                facts = (f"{first}.events.{arm}", f"{second}.events.{arm}")
                yield Contradiction(facts, f"fewer {first} events than {second} events", f"at least {deaths}", str(n),
                                    n - deaths, "events", UNLIKELY)  # fmt: skip
