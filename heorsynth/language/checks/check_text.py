"""`check_text`: whether texts say what the rows say, and whether they are copies, leaks or monotonous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem, TextError, unknown_name
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.language.checks.diversity import blocks_of, distinct, self_bleu
from heorsynth.language.checks.duplicates import near_duplicates
from heorsynth.language.checks.findings import ANY_FAULT, TextFinding, TextReport
from heorsynth.language.checks.identifiers import canaries_in, identifiers_in
from heorsynth.language.checks.memorised import Corpus
from heorsynth.language.checks.rates import false_alarms, recall
from heorsynth.language.checks.shares import share
from heorsynth.language.facts.sheet import Sheet, sheet_of
from heorsynth.language.narratives.narratives import Narratives
from heorsynth.language.reading.compare import BEYOND, FABRICATED, KINDS, MOST_CHARACTERS, Reader

CHECKS = ("facts", "duplicates", "diversity", "identifiers", "memorised")
"""The checks by name. "memorised" needs a corpus."""

Texts = Narratives | Mapping[str, str | Sequence[str]] | Sequence[str]


def check_text(
    texts: Texts,
    cohort: Cohort,
    *,
    checks: Sequence[str] = CHECKS,
    reference: Sequence[str] | None = None,
    corpus: Sequence[str] | None = None,
    canaries: Sequence[str] = (),
    slots: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    levels: Mapping[str, Mapping[str, str]] | None = None,
    language: str = "en",
    seed: int = 1,
) -> TextReport:
    """Check texts of synthetic patients against their rows, against each other and against other texts.

    Parameters
    ----------
    texts : Narratives, Mapping or sequence   of `narrate`; or synthetic id to a text or several; or one text a row, in
                                              the cohort's order
    cohort : Cohort                           the rows that the texts tell: synthetic, with their label
    checks : sequence of str                  some of "facts", "duplicates", "diversity", "identifiers", "memorised"
    reference : sequence of str, optional     texts of people or templates, with which duplicates and diversity are
                                              compared
    corpus : sequence of str, optional        texts of which no span of eight words may be repeated
    canaries : sequence of str                planted texts that may stand nowhere
    slots, names, units, levels, language     as given to `narrate`
    seed : int                                of the random blocks of the diversity check

    Returns
    -------
    TextReport      shares of texts with their 95% intervals; beside each fault of facts, how many planted ones the
                    check finds and how often it errs (`benchmarks/text_checks.py`)

    Raises
    ------
    LabelError      the cohort is not labelled as synthetic
    TextError       a text of an unknown row, another number of texts than rows, a text longer than 100,000
                    characters, or a missing package of the extra "language"

    See Also
    --------
    heorsynth.narrate : The texts.

    Examples
    --------
    >>> import heorsynth as hs
    >>> lung = hs.datasets.load("lung")
    >>> drawn = hs.generators.create("marginals").fit(lung, seed=1).sample(n=50, m=1, seed=1)[0]
    >>> texts = hs.narrate(drawn, slots=["age", "sex"])
    >>> report = hs.check_text(texts, drawn, slots=["age", "sex"], checks=["facts"])
    >>> report["facts omitted age"].estimate.count
    0
    """
    unknown = [name for name in checks if name not in CHECKS]
    if unknown:
        raise unknown_name("check of texts", unknown[0], CHECKS)
    sheet = sheet_of(cohort, slots=slots, names=names, units=units, levels=levels, language=language,
                     purpose="checks of texts")  # fmt: skip
    ids, held = _paired(texts, sheet)
    work = _Work(ids, held, sheet, seed)
    findings: list[TextFinding] = []
    faults: tuple[tuple[str, ...], ...] = ((),) * len(held)
    if "facts" in checks:
        faults = work.faults()
        findings += work.facts(faults)
    if "duplicates" in checks:
        findings += work.duplicates(reference)
    if "diversity" in checks:
        findings += work.diversity(reference)
    if "identifiers" in checks:
        findings += work.identifiers(canaries)
    if "memorised" in checks and corpus is not None:
        findings.append(work.memorised(corpus))
    return TextReport(tuple(findings), ids, held, faults, texts.maker if isinstance(texts, Narratives) else "")


def _paired(texts: Texts, sheet: Sheet) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return synthetic ids and texts of equal length. Raise TextError for texts of no row, none, or too long ones."""
    if isinstance(texts, Narratives):
        pairs = list(zip(texts.ids, texts.texts, strict=True))
    elif isinstance(texts, Mapping):
        pairs = [(str(key), one) for key, held in texts.items() for one in ([held] if isinstance(held, str) else held)]
    elif len(texts) == len(sheet.ids):
        pairs = list(zip(sheet.ids, texts, strict=True))
    else:
        found = f"{len(texts):,} texts of {len(sheet.ids):,} rows"
        raise TextError("texts", Problem("", found, "give one text a row, or a mapping of synthetic id to text"))
    known = set(sheet.ids)
    problems = []
    if not pairs:
        problems.append(Problem("", "there is no text", "give at least one"))
    strange = sum(key not in known for key, _ in pairs)
    if strange:
        problems.append(Problem("", f"{strange:,} texts are of no row of the cohort", "give the cohort they tell"))
    others = sum(not isinstance(one, str) for _, one in pairs)
    if others:
        problems.append(Problem("", f"{others:,} are no text", "give str"))
    long = sum(isinstance(one, str) and len(one) > MOST_CHARACTERS for _, one in pairs)
    if long:
        problems.append(Problem("", f"{long:,} are longer than {MOST_CHARACTERS:,} characters", "split or drop them"))
    if problems:
        raise TextError("texts", problems)
    return tuple(key for key, _ in pairs), tuple(one for _, one in pairs)


@dataclass(frozen=True)
class _Work:
    """Texts, whom they are about, and the facts of these."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    sheet: Sheet
    seed: int

    def faults(self) -> tuple[tuple[str, ...], ...]:
        """Return the faults of each text, as "slot kind"."""
        reader, rows = Reader(self.sheet), dict(zip(self.sheet.ids, self.sheet.rows, strict=True))
        pairs = zip(self.ids, self.texts, strict=True)
        return tuple(tuple(f"{one.slot} {one.kind}" for one in reader.faults(text, rows[key])) for key, text in pairs)

    def facts(self, faults: tuple[tuple[str, ...], ...]) -> list[TextFinding]:
        """Return the share of texts with each fault, by slot, and of texts with any."""
        found = []
        rows = dict(zip(self.sheet.ids, self.sheet.rows, strict=True))
        for slot in self.sheet.slots:
            known = np.array([slot.key in rows[key] for key in self.ids])
            for kind in KINDS:
                asked = ~known if kind == FABRICATED else known
                if asked.any():
                    found.append(self._fact(slot.key, slot.kind, kind, faults, asked))
        every = np.ones(len(self.ids), dtype=bool)
        found.append(self._fact(BEYOND, BEYOND, FABRICATED, faults, every))
        hits = share([bool(one) for one in faults], self.ids)
        return [*found, TextFinding(ANY_FAULT, "", hits, None, false_alarms("text"))]

    def _fact(
        self, key: str, slot_kind: str, kind: str, faults: tuple[tuple[str, ...], ...], asked: np.ndarray
    ) -> TextFinding:
        places = np.flatnonzero(asked)
        hits = [f"{key} {kind}" in faults[at] for at in places]
        estimate = share(hits, [self.ids[at] for at in places])
        return TextFinding(f"facts {kind}", key, estimate, recall(slot_kind, kind), false_alarms(slot_kind))

    def duplicates(self, reference: Sequence[str] | None) -> list[TextFinding]:
        """Return the share of texts with a near duplicate in the set, and in the reference."""
        pairs = near_duplicates(self.texts)
        inside = {at for pair in pairs for at in (pair.first, pair.second)}
        found = [self._hits("near duplicates", inside, f"{len(pairs):,} pairs", "duplicates")]
        if reference is not None:
            with_reference = {pair.first for pair in near_duplicates(self.texts, reference)}
            note = "contamination: texts of the reference stand among the texts"
            found.append(self._hits("near duplicates of the reference", with_reference, note, "contamination"))
        return found

    def diversity(self, reference: Sequence[str] | None) -> list[TextFinding]:
        """Return self-BLEU and distinct n-grams of the texts, and of the reference; nothing for too few texts."""
        found = []
        for name, texts in (("", self.texts), (" of the reference", reference)):
            if texts is None:
                continue
            try:
                blocks = blocks_of(list(texts), stream(self.seed, "text diversity", name))
            except NotEstimableError:
                continue
            found.append(TextFinding(f"self-BLEU{name}", "", self_bleu(blocks)))
            found += [TextFinding(f"distinct {n}-grams{name}", "", distinct(blocks, n)) for n in (1, 2, 3)]
        return found

    def identifiers(self, canaries: Sequence[str]) -> list[TextFinding]:
        """Return the share of texts with an identifier, and with a canary."""
        held = [identifiers_in(text) for text in self.texts]
        kinds = sorted({kind for found in held for kind in found})
        named = {at for at, found in enumerate(held) if found}
        found = [self._hits("identifiers", named, ", ".join(kinds), "identifiers")]
        if canaries:
            leaked = {at for at, text in enumerate(self.texts) if canaries_in(text, canaries)}
            found.append(self._hits("canaries", leaked, f"of {len(canaries):,} planted", "canaries"))
        return found

    def memorised(self, corpus: Sequence[str]) -> TextFinding:
        """Return the share of texts with a run of words that stands in the corpus."""
        spans = Corpus(corpus)
        longest = [spans.longest(text) for text in self.texts]
        note = f"longest run: {max(longest)} words; runs from {spans.least} words on count"
        return self._hits("memorised spans", {at for at, n in enumerate(longest) if n}, note, "memorised")

    def _hits(self, check: str, places: set[int], note: str, rated: str) -> TextFinding:
        estimate = share([at in places for at in range(len(self.texts))], self.ids)
        return TextFinding(check, "", estimate, recall(rated), false_alarms(rated), note)
