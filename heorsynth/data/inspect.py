"""Inspect a file for signs that it is synthetic: its label, its row ids, and the watermark in its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from heorsynth.core.display import Card, agreeing, facts_card, printable
from heorsynth.data.files.augmented import counts_of
from heorsynth.data.files.io import label_of, read_frame, sha256_of_file
from heorsynth.data.labels.claims import contradicts_label
from heorsynth.data.labels.label import ID_COLUMN, Label, has_synthetic_id, releases_in
from heorsynth.data.labels.releases import Match, Release, identify, read_registry
from heorsynth.data.labels.watermark import NO_MARK, OWNER, PUBLIC, PUBLIC_KEY, owner_key, release_key
from heorsynth.data.labels.watermark_detection import ALPHA, Counted, detect, scanned_rows, tallies

_NO_SIGN = "No sign that it is synthetic. This is not proof: labels can be removed, and watermarks can be worn away."


_CERTAIN = 1e-6
"""Rows without a label are treated as a synthetic source only at this p-value or below. It is a tenth of the level of
`inspect`, because refusing real patients is a worse error than a wrong remark."""

_BELIED_NOTE = (
    "The label says that these rows hold a watermark, but it is absent, although the rows are enough to show it. They "
    "are other rows than the label was written for, or were changed since. Labels and ids are easy to copy. Treat the "
    "rows as patients until the original file is found."
)
_AUGMENTED_NOTE = (
    "The other rows may be patients. Do not share the file as synthetic, and do not count rows as patients."
)


MOST_COLUMNS = 500
"""If a file has more numeric columns, only this many are tested: a watermark is in each of them."""


@dataclass(frozen=True)
class _Inspection:
    """The result of `inspect`: `synthetic` is True, or None if there is no sign of it. It is never False.

    It is also None if the rows contradict the label; then neither the label nor the ids are trusted.

    Attributes
    ----------
    file : str                    the file's name
    synthetic : bool or None      True if anything shows that rows are synthetic; other rows may still be patients
    label : Label or None
    watermark_p : float or None   p-value of the public watermark: the probability that unrelated rows agree with it at
                                  least as well. None if no column can hold a watermark
    owner_p : float or None       p-value of the watermark of an owner's key. None without a key, or if the release is
                                  unknown
    known : Match or None         the match in a registry of releases. None without a registry
    rows : int                    number of rows
    named : int                   number of rows with a synthetic id
    titled : bool                 True if the file's own title, such as a SAS label, says that it is synthetic
    belied : bool                 True if the label claims a watermark that the rows do not show, although they are
                                  enough to show it
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
        """True if the public or the owner's watermark is detected."""
        return any(p is not None and p <= ALPHA for p in (self.watermark_p, self.owner_p))

    @property
    def augmented(self) -> bool:
        """True if label or ids say that some rows are synthetic and others are not."""
        return counts_of(self.label) is not None or 0 < self.named < self.rows

    def card(self) -> Card:
        """Return the result as a card."""
        facts = [("watermark", self._mark)]
        if self.owner_p is not None:
            facts.append(("owner's mark", _detected(self.owner_p)))
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
                ("release level", label.audience),
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
            return _BELIED_NOTE
        if self.label is not None:
            return self.label.statement
        if self.augmented:
            return _AUGMENTED_NOTE
        return "Look for the original file." if self.synthetic else _NO_SIGN

    @property
    def _mark(self) -> str:
        if self.watermark_p is not None:
            return _detected(self.watermark_p)
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
) -> _Inspection:
    """Report whether a file shows that it is synthetic, by its label, its row ids, or its watermark.

    Parameters
    ----------
    path : path                      the file
    registry : path, optional        registry of releases, as written by `heorsynth run --registry`. It identifies the
                                     release of the file, and reveals a label that matches no release
    watermark_key : path, optional   an owner's key. Its watermark is tested for each release that label, ids or
                                     registry name

    Returns
    -------
    Inspection

    Raises
    ------
    FileError, EncodingError, DamagedFileError, LabelError

    See Also
    --------
    heorsynth.read : Read the rows of a file.
    heorsynth.write : Write a cohort with its label.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "trial.csv"
    ...     _ = path.write_text("time,event\\n5,1\\n8,0\\n12,1\\n")
    ...     inspect(path).synthetic is None
    True
    """
    releases = () if registry is None else read_registry(registry)
    frame = read_frame(path, scan=True)
    label, ids, counted = label_of(frame), named_rows(frame), tallies(scanned_rows(_narrowed(frame)))
    unmarked = label is not None and label.watermark.startswith(NO_MARK)
    p = None if unmarked else detect(counted, PUBLIC_KEY, PUBLIC).p
    marked = _marked_releases(releases, counted)
    known = None if registry is None else identify(releases, sha256_of_file(Path(path)), label, ids, len(frame), marked)
    named = {*releases_in(ids)} | {one.release for one in releases}
    named |= set() if label is None else {label.release}
    owner_p = None if watermark_key is None else _owner_p(counted, owner_key(watermark_key), sorted(named))
    result = _Inspection(
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
    if label is not None and not (same or marked or result.watermarked) and contradicts_label(frame, label):
        return replace(result, belied=True)
    signs = label is not None or bool(ids) or result.titled or result.watermarked or bool(marked)
    return replace(result, synthetic=signs or same or None)


def named_rows(frame: pd.DataFrame) -> list[str]:
    """Return the synthetic ids of all rows that have one, in the index or in any text column."""
    texts = [frame.index, *(pd.Index(frame[name]) for name in frame.select_dtypes(["object", "string", "category"]))]
    ids, open_rows = list[str](), np.ones(len(frame), dtype=bool)
    for text in texts:
        named = has_synthetic_id(text).to_numpy() & open_rows
        if named.any():
            ids += text[named].astype(str).tolist()
            open_rows &= ~named
    return ids


def sign_of(frame: pd.DataFrame) -> str:
    """Return what shows that unlabelled rows are synthetic, their ids or their watermark, in words; "" for neither.

    Notes
    -----
    The rate of false detections is below 1 in 1,000,000 tables (`_CERTAIN`).
    """
    if named := len(named_rows(frame)):
        return f"{named:,} of {len(frame):,} rows {agreeing(named, 'has an id', 'have ids')} of synthetic rows"
    mark = detect(tallies(scanned_rows(_narrowed(frame))), PUBLIC_KEY, PUBLIC)
    return (
        f"the mark of heorsynth is in its rows (p = {mark.p:.1g})" if mark.p is not None and mark.p <= _CERTAIN else ""
    )


def _narrowed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame, with a fixed random choice of `MOST_COLUMNS` numeric columns if it has more."""
    numbers = frame.select_dtypes("number").columns
    if len(numbers) <= MOST_COLUMNS:
        return frame
    return frame[numbers[np.sort(np.random.default_rng(0).permutation(len(numbers))[:MOST_COLUMNS])]]


def _marked_releases(releases: Sequence[Release], counted: Counted) -> list[Release]:
    """Return the releases whose own watermark is detected, with a Bonferroni correction for their number."""
    keyed = [one for one in releases if one.watermark_key]
    tested = [(one, detect(counted, one.watermark_key.encode(), OWNER).p) for one in keyed]
    return [one for one, p in tested if p is not None and p * len(keyed) <= ALPHA]


def _owner_p(counted: Counted, key: bytes, named: Sequence[str]) -> float | None:
    """Return the p-value of an owner's watermark over all releases the file may come from; None if none is known."""
    tested = [detect(counted, release_key(key, name), OWNER).p for name in named]
    values = [p for p in tested if p is not None]
    return min(1.0, len(tested) * min(values)) if values else None


def _detected(p: float) -> str:
    return f"{'seen' if p <= ALPHA else 'not seen'} (p = {p:.2g})"
