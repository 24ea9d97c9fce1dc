"""The label of a run: what the cohorts are, what they are fit for and for what not, on one printed page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heorsynth.checks.core.finding import FAIL, NOT_ESTIMABLE
from heorsynth.core.display import counted
from heorsynth.data.labels.levels import level_sentence
from heorsynth.data.labels.spending import privacy_sentence
from heorsynth.evidence.evidence import PAPER, Evidence
from heorsynth.evidence.finding_text import folded, legend
from heorsynth.provenance.record import NEEDS_A_PERSON, Record
from heorsynth.report.pages import templates

_MOST_FINDINGS = 8
"""Findings on the label: more do not fit on a page beside the rest."""

_MOST_WORDS = 40
"""Words of a person's answer, and of a sentence of the evidence; the rest stands in governance.html."""


@dataclass(frozen=True)
class _Fact:
    """A line of the label; `open` where only a person can answer, and nobody did."""

    name: str
    value: str
    open: bool = False


def label_page(record: Record, evidence: Evidence) -> str:
    """Return the label as HTML; it prints on one page. The same run gives the same text.

    Notes
    -----
    It answers what the World Economic Forum (2025, Synthetic Data: The New Data Frontier) asks of a "nutrition label":
    origin, generation, quality, privacy, intended use, limits. Findings that speak most against a use come first.
    """
    decisive = [one for one in evidence.findings if one.decisive]
    of_paper = evidence.reference == PAPER
    rows = folded(decisive, of_paper=of_paper)
    return templates().get_template("label.html.j2").render(
        title=_short(record.title),
        run=record.name,
        verdict=record.verdict,
        purpose=record.purpose,
        sentence=_first_sentences(record.sentence),
        answers=[(one.question.capitalize(), one.shown, _short(one.sentence)) for one in evidence.answered],
        origin=list(_origin(record, of_paper)),
        use=list(_use(record, evidence)),
        findings=[_row(one) for one in rows[:_MOST_FINDINGS]],
        hidden=max(len(rows) - _MOST_FINDINGS, 0),
        reference="what the paper prints" if of_paper else "the patients",
        legend=legend(decisive, of_paper=of_paper),
    )  # fmt: skip


def _row(row: Sequence[str]) -> tuple[str, str, Sequence[str]]:
    """Verdict as a class of the style, its sign, and quantity, group, difference and margin of a finding."""
    verdict, quantity, group, _, _, difference, margin, *_ = row
    named = verdict.split("\N{NO-BREAK SPACE}")[1]
    return named.replace(" ", "-"), verdict, (_short(quantity, 12), _short(group, 14), difference, margin)


def _origin(record: Record, of_paper: bool) -> Iterator[_Fact]:
    """Where the rows come from, and how they were made."""
    source, generator = record.source, record.generator
    of_patients = "simulated patients" if source["kind"] == "simulated" else "a copy of the law of real patients"
    kind = "what a paper prints of its patients" if of_paper else of_patients
    yield _Fact("Kind", f"Synthetic rows from {kind}; no row is a patient, and rows add no patients")
    patients = counted(source["patients"], "patient")
    if of_paper:
        yield _Fact("Source", f"a paper on {patients}: its figures and tables; nobody's rows were used")
    else:
        depth = "directly" if source["depth"] == 1 else f"at lineage depth {source['depth']}"
        yield _Fact("Source", f"{patients}, learnt {depth}")
    rows = f"{counted(generator['m'], 'cohort')} of {counted(generator['rows'], 'row')}"
    yield _Fact("Rows", f"{rows}; analyse all cohorts together, each is one draw")
    made = f"{generator['name']}, heorsynth {record.version}, seed {generator['seed']}"
    yield _Fact("Generator", f"{made}; no language model")
    if record.texts:
        yield _Fact("Texts", _short("; ".join(map(_told, record.texts))))
    yield _Fact("After drawing", _short("; ".join(record.post_processing)))
    yield _Fact("Release", _short(level_sentence(str(generator.get("level", "")))))
    promised = privacy_sentence(generator.get("settings", {}))
    if promised:
        yield _Fact("Formal privacy", _short(promised))
    yield _Fact(
        "Protocol", f"SHA-256 {record.protocol['sha256'][:16]}…; {counted(len(record.amendments), 'amendment')}"
    )


def _told(texts: Mapping[str, Any]) -> str:
    """How many texts a maker wrote, and how many of them have a fault."""
    told = f"{counted(texts['texts'], 'text')} of kind {texts['kind']} by {texts['maker']}"
    return f"{told}, with a fault in {texts['any_fault']}"


def _use(record: Record, evidence: Evidence) -> Iterator[_Fact]:
    """For what the cohorts may be used, where not, and who answers for them."""
    for name, key in (
        ("Intended use", "intended_use"),
        ("Not to be used for", "prohibited_use"),
        ("Responsible", "steward"),
        ("Legal basis", "legal_basis"),
        ("Kept", "retention"),
        ("Signed off", "signed_off_by"),
    ):
        answer = record.answer(key)
        yield _Fact(name, _short(answer), answer == NEEDS_A_PERSON)
    for verdict, name in ((FAIL, "Fails in"), (NOT_ESTIMABLE, "Too few to judge")):
        groups = sorted({one.group for one in evidence.findings if one.verdict == verdict and one.group != "all"})
        yield _Fact(name, _short(", ".join(groups) or "no subgroup"))


def _first_sentences(text: str) -> str:
    """Return the first sentences of a text, together of at most `_MOST_WORDS` words; at least one, cut if needed."""
    first, *others = text.split(". ")
    for one in others:
        if len(f"{first}. {one}".split()) > _MOST_WORDS:
            return _short(first) + "."
        first = f"{first}. {one}"
    return _short(first)


def _short(text: str, words: int = _MOST_WORDS) -> str:
    """Return a text of at most so many words, none of them longer than a line."""
    parts = text.split()
    kept = [part if len(part) <= 40 else f"{part[:39]}…" for part in parts[:words]]
    return " ".join(kept) + (" …" if len(parts) > words else "")
