"""What a file shows of being synthetic: its label, the ids of its rows, and the mark in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from heorsynth.core.display import Card, facts_card, printable
from heorsynth.data.files.augmented import counts_of
from heorsynth.data.files.io import label_of, read_frame, sha256_of_file
from heorsynth.data.labels.claims import belied
from heorsynth.data.labels.label import ID_COLUMN, Label, has_synthetic_id, releases_in
from heorsynth.data.labels.releases import Match, Release, identify, read_registry
from heorsynth.data.labels.watermark import NO_MARK, OWNER, PUBLIC, PUBLIC_KEY, owner_key, release_key
from heorsynth.data.labels.watermark_detection import ALPHA, Counted, detect, looked_at, tallies

NO_SIGN = "No sign that it is synthetic. No sign is not proof: a label can be removed, and a mark can be worn away."


CERTAIN = 1e-6
"""A mark at this p-value or below makes rows without a label a synthetic source: a tenth of what `inspect` asks for,
since to refuse patients costs more than to remark on them."""

BELIED_NOTE = (
    "The label says that a mark is in these rows. They would show it, and do not: they are other rows than those it "
    "was written for, or were changed since. Anybody can copy a label and ids. Take the rows for patients until the "
    "original file is found."
)
AUGMENTED_NOTE = "The other rows may be patients: not to be shared as synthetic, nor counted as patients."


MOST_COLUMNS = 500
"""Of more columns of numbers so many are looked at: a mark stands in each of them."""


@dataclass(frozen=True)
class Inspection:
    """What a file says of itself: `synthetic` is True, or None for no sign of it; never False.

    It is None too where the rows contradict the label: then neither label nor ids are believed.

    Attributes
    ----------
    file : str                    the file's name
    synthetic : bool or None      True where anything in it shows that rows are synthetic, though others may be patients
    label : Label or None
    watermark_p : float or None   chance that rows which owe nothing to heorsynth agree with its public mark as well;
                                  None where no column can hold a mark
    owner_p : float or None       the same of the mark of an owner's key, where one was given and the file names the
                                  release; None otherwise
    known : Match or None         what a registry of releases says of it; None where none was asked
    rows : int                    of the file
    named : int                   of these, how many have the id of a synthetic row
    titled : bool                 whether its own title, as a SAS file has one, says that it is synthetic
    belied : bool                 True where the label says that a mark should be there, the rows are enough to show
                                  it, and it is not
    """

    file: str
    synthetic: bool | None
    label: Label | None
    watermark_p: float | None = None
    owner_p: float | None = None
    known: Match | None = None
    rows: int = 0
    named: int = 0
    titled: bool = False
    belied: bool = False

    @property
    def watermarked(self) -> bool:
        """True where the public mark or the owner's is seen."""
        return any(p is not None and p <= ALPHA for p in (self.watermark_p, self.owner_p))

    @property
    def augmented(self) -> bool:
        """True where the file says that some of its rows are synthetic and others are not: by its label, or its ids."""
        return counts_of(self.label) is not None or 0 < self.named < self.rows

    def card(self) -> Card:
        """The answer in words."""
        facts = [("watermark", self._mark)]
        if self.owner_p is not None:
            facts.append(("owner's mark", _told(self.owner_p)))
        if self.known is not None:
            facts.append(("registry", self.known.sentence))
        if self.augmented:
            facts.append(("synthetic by id", f"{self.named:,} of {self.rows:,} rows"))
        if self.label is not None:
            label = self.label
            facts = [
                *facts,
                ("generator", label.generator),
                ("release", label.release),
                ("made from", f"{label.n_source:,} patients"),
                ("cohort", f"{label.part + 1} of {label.m}"),
            ]
        return facts_card(f"{self.file}: {self._verdict}", facts, printable(self._note))

    @property
    def _verdict(self) -> str:
        kind = "augmented" if self.augmented else "synthetic"
        if self.belied:
            return "the label is contradicted by the rows"
        if self.label is not None:
            return f"labelled {kind}"
        return f"{kind} by {self._sign}, its label is lost" if self.synthetic else "not labelled"

    @property
    def _note(self) -> str:
        if self.belied:
            return BELIED_NOTE
        if self.label is not None:
            return self.label.statement
        if self.augmented:
            return AUGMENTED_NOTE
        return "Look for the original file." if self.synthetic else NO_SIGN

    @property
    def _mark(self) -> str:
        if self.watermark_p is not None:
            return _told(self.watermark_p)
        if self.label is not None and self.label.watermark.startswith(NO_MARK):
            return self.label.watermark
        return NO_MARK + "no column of measurements with fractions can hold one"

    @property
    def _sign(self) -> str:
        if self.known is not None and self.known.same_bytes:
            return "its bytes"
        if self.named:
            return "its row ids"
        return "the mark in its rows" if self.watermarked or not self.titled else "its SAS label"

    def __str__(self) -> str:
        return self.card().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.card().html()


def inspect(
    path: str | Path, registry: str | Path | None = None, watermark_key: str | Path | None = None
) -> Inspection:
    """Whether a file shows that it is synthetic: by its label, the ids of its rows, or the mark in them.

    Parameters
    ----------
    registry : path, optional        file of released cohorts, as `heorsynth run --registry` writes it: names the
                                     release the file came from, and a label that none of them bears out
    watermark_key : path, optional   an owner's key: whether the mark follows it, for the releases that label, ids or
                                     registry name

    Raises
    ------
    FileError, EncodingError, DamagedFileError, LabelError
    """
    held = () if registry is None else read_registry(registry)
    frame = read_frame(path, scan=True)
    label, ids, counted = label_of(frame), named_rows(frame), tallies(looked_at(_narrowed(frame)))
    unmarked = label is not None and label.watermark.startswith(NO_MARK)
    p = None if unmarked else detect(counted, PUBLIC_KEY, PUBLIC).p
    marked = _marked_releases(held, counted)
    known = None if registry is None else identify(held, sha256_of_file(Path(path)), label, ids, len(frame), marked)
    named = {*releases_in(ids)} | {one.release for one in held}
    named |= set() if label is None else {label.release}
    owner_p = None if watermark_key is None else _owner_p(counted, owner_key(watermark_key), sorted(named))
    seen = Inspection(
        Path(path).name,
        None,
        label,
        p,
        owner_p,
        known,
        len(frame),
        len(ids),
        not ids and frame.index.name == ID_COLUMN,
    )
    same = known is not None and known.same_bytes
    if label is not None and not (same or marked or seen.watermarked) and belied(frame, label):
        return replace(seen, belied=True)
    found = label is not None or bool(ids) or seen.titled or seen.watermarked or bool(marked)
    return replace(seen, synthetic=found or same or None)


def named_rows(frame: pd.DataFrame) -> list[str]:
    """The id of every row that has one of a synthetic row, in its index or in any column of text."""
    texts = [frame.index, *(pd.Index(frame[name]) for name in frame.select_dtypes(["object", "string", "category"]))]
    found, open_rows = [], np.ones(len(frame), dtype=bool)
    for text in texts:
        named = has_synthetic_id(text).to_numpy() & open_rows
        if named.any():
            found += text[named].astype(str).tolist()
            open_rows &= ~named
    return found


def sign_of(frame: pd.DataFrame) -> str:
    """What shows that rows without a label are synthetic: their ids or the mark in them, in words; "" for neither.

    Notes
    -----
    Of tables that owe nothing to heorsynth fewer than 1 in 1,000,000 are said to hold the mark (`CERTAIN`).
    """
    if named := len(named_rows(frame)):
        return f"{named:,} of {len(frame):,} rows have ids of synthetic rows"
    mark = detect(tallies(looked_at(_narrowed(frame))), PUBLIC_KEY, PUBLIC)
    return (
        f"the mark of heorsynth is in its rows (p = {mark.p:.1g})" if mark.p is not None and mark.p <= CERTAIN else ""
    )


def _narrowed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, or so many of its columns of numbers as `MOST_COLUMNS`, spread by chance but always the same ones."""
    numbers = frame.select_dtypes("number").columns
    if len(numbers) <= MOST_COLUMNS:
        return frame
    return frame[numbers[np.sort(np.random.default_rng(0).permutation(len(numbers))[:MOST_COLUMNS])]]


def _marked_releases(held: Sequence[Release], counted: Counted) -> list[Release]:
    """The releases whose own mark is in the rows, at a level corrected for how many were tried."""
    keyed = [one for one in held if one.watermark_key]
    found = [(one, detect(counted, one.watermark_key.encode(), OWNER).p) for one in keyed]
    return [one for one, p in found if p is not None and p * len(keyed) <= ALPHA]


def _owner_p(counted: Counted, key: bytes, named: Sequence[str]) -> float | None:
    """The p-value of an owner's mark over the releases the file may be of; None where none is named."""
    tried = [detect(counted, release_key(key, name), OWNER).p for name in named]
    found = [p for p in tried if p is not None]
    return min(1.0, len(tried) * min(found)) if found else None


def _told(p: float) -> str:
    return f"{'seen' if p <= ALPHA else 'not seen'} (p = {p:.2g})"
