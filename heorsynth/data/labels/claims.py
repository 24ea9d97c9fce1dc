"""What a label may say of the mark in its rows, and whether rows bear out what theirs says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from heorsynth.core.errors import LabelError, Problem
from heorsynth.data.labels.label import Label
from heorsynth.data.labels.watermark import (
    NO_MARK,
    OWNER,
    OWNER_TOLD,
    PUBLIC,
    PUBLIC_KEY,
    PUBLIC_TOLD,
    fingerprint,
    release_key,
    told,
)
from heorsynth.data.labels.watermark_detection import ALPHA, Counted, detect, looked_at, tallies

BELIED = 0.01
"""Above this p-value a mark that a label speaks of is not there: so fewer than 1 in 100 marked cohorts look."""

ENOUGH, SEVERAL = 200, 3
"""Rows, and columns with fractions, from which a mark is expected of a label that does not say how strong it was."""

MOST_TOLD = 30.0
"""Standard deviations of agreement that a label tells of at most."""


@dataclass(frozen=True)
class Claim:
    """What a label says of the mark: see `Label`."""

    watermark: str
    marked: tuple[str, ...] = ()
    agreement: float = 0.0


def claim_of(frame: pd.DataFrame, columns: Sequence[str], owner: bytes | None = None, release: str = "") -> Claim:
    """What may be said of the mark in rows as they are written: no more than `inspect` will find in them.

    Parameters
    ----------
    columns : sequence of str    that hold the mark, as far as their numbers let them
    owner, release               the owner's key that half of it follows, if any, and the release it was made for
    """
    if not columns:
        return Claim(_and_owner(NO_MARK + "only whole numbers, levels, times and few values", owner))
    rows = looked_at(frame)
    counted = tallies(rows, units=False)
    p = _bound(counted, PUBLIC_KEY, PUBLIC)
    if p > ALPHA:
        return Claim(
            _and_owner(NO_MARK + f"too few or too coarse measurements to find it in {len(frame):,} rows", owner)
        )
    agreement = min(float(norm.isf(p)), MOST_TOLD) / np.sqrt(len(rows))
    if owner is None or _bound(counted, release_key(owner, release), OWNER) <= ALPHA:
        return Claim(told(owner), tuple(columns), round(agreement, 4))
    return Claim(_and_owner(PUBLIC_TOLD, owner), tuple(columns), round(agreement, 4))


def _bound(counted: Counted, key: bytes, parity: int) -> float:
    """At most this p-value is found where columns are counted in other units too: twice as many tails are tried."""
    p = detect(counted, key, parity).p
    return 1.0 if p is None else min(1.0, 2 * p)


def _and_owner(said: str, owner: bytes | None) -> str:
    """What is said of a mark, with the owner's key that was used too and is not found."""
    return said if owner is None else f"{said}; {OWNER_TOLD} {fingerprint(owner)} was used and is not found"


def belied(frame: pd.DataFrame, label: Label) -> bool:
    """True where a label says that the rows hold the mark, and these, enough to show it, do not.

    Notes
    -----
    Enough is what would be seen (p <= `ALPHA`) if these rows agreed with the key as well as those of the label did:
    fewer rows, or fewer of the marked columns, agree less, by the root of their share.
    """
    if not label.watermark or label.watermark.startswith(NO_MARK):
        return False
    rows = looked_at(frame)
    if not _shows(rows, label):
        return False
    first = detect(tallies(rows, units=False), PUBLIC_KEY, PUBLIC).p
    if first is not None and first <= BELIED / 2:
        return False
    p = detect(tallies(rows), PUBLIC_KEY, PUBLIC).p
    return p is None or p > BELIED


def require_borne_out(frame: pd.DataFrame, label: Label | None, subject: str) -> None:
    """Nothing, unless the rows contradict their label; LabelError then."""
    if label is not None and belied(frame, label):
        found = "the label is contradicted by the rows: it speaks of a mark in them, and none is found"
        fix = "patients have no label: clear frame.attrs; of synthetic rows that were changed, read the original file"
        raise LabelError(subject, Problem("label", found, fix))


def _shows(rows: pd.DataFrame, label: Label) -> bool:
    """Whether the mark that a label speaks of would be seen in these rows."""
    if not label.agreement:  # of a version that did not measure it
        fractions = sum(not one.whole for one in tallies(rows, units=False).native)
        return len(rows) >= ENOUGH and fractions >= SEVERAL
    here = [name for name in label.marked if list(rows.columns).count(name) == 1]
    held = sum(not one.whole for one in tallies(rows[here], units=False).native)
    return label.agreement * np.sqrt(len(rows) * held / len(label.marked)) >= norm.isf(ALPHA) if held else False
