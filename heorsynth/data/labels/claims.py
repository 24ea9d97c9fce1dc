"""What a label claims about the watermark in its rows, and whether the rows support the claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from heorsynth.core.errors import LabelError, Problem
from heorsynth.data.labels.label import Label
from heorsynth.data.labels.watermark import (
    NO_MARK,
    OWNER,
    OWNER_NAME,
    PUBLIC,
    PUBLIC_KEY,
    PUBLIC_NAME,
    fingerprint,
    keys_in_words,
    release_key,
)
from heorsynth.data.labels.watermark_detection import ALPHA, Counted, detect, scanned_rows, tallies

_BELIED = 0.01
"""If the p-value exceeds this, a claimed watermark is absent. Fewer than 1 in 100 marked cohorts exceed it."""

ENOUGH, SEVERAL = 200, 3
"""The rows and columns with decimals from which a watermark is expected if the label does not state its strength."""

_MOST_CLAIMED = 30.0
"""The largest agreement, in standard deviations, that a label states."""


@dataclass(frozen=True)
class Claim:
    """The watermark fields of a label; see `Label`."""

    watermark: str
    marked: tuple[str, ...] = ()
    agreement: float = 0.0


def claim_of(frame: pd.DataFrame, columns: Sequence[str], owner: bytes | None = None, release: str = "") -> Claim:
    """Return what a label may claim about the watermark: only what `inspect` will detect in the rows.

    Parameters
    ----------
    columns : sequence of str    the columns with a watermark
    owner, release               the owner's key, used for half of the watermark, and the release
    """
    if not columns:
        return Claim(_and_owner(NO_MARK + "only whole numbers, levels, times and few values", owner))
    rows = scanned_rows(frame)
    counted = tallies(rows, units=False)
    p = _bound(counted, PUBLIC_KEY, PUBLIC)
    if p > ALPHA:
        return Claim(
            _and_owner(NO_MARK + f"too few or too coarse measurements to find it in {len(frame):,} rows", owner)
        )
    agreement = min(-float(ndtri(p)), _MOST_CLAIMED) / np.sqrt(len(rows))
    if owner is None or _bound(counted, release_key(owner, release), OWNER) <= ALPHA:
        return Claim(keys_in_words(owner), tuple(columns), round(agreement, 4))
    return Claim(_and_owner(PUBLIC_NAME, owner), tuple(columns), round(agreement, 4))


def _bound(counted: Counted, key: bytes, parity: int) -> float:
    """Return an upper bound of the p-value that `inspect` finds. It also tries other units, which doubles its tests."""
    p = detect(counted, key, parity).p
    return 1.0 if p is None else min(1.0, 2 * p)


def _and_owner(claim: str, owner: bytes | None) -> str:
    """Return the claim, with the remark that the watermark of the owner's key was added but is not detected."""
    return claim if owner is None else f"{claim}; {OWNER_NAME} {fingerprint(owner)} was used and is not found"


def contradicts_label(frame: pd.DataFrame, label: Label) -> bool:
    """Return True if a label claims a watermark that the rows do not show, although they are enough to show it.

    Notes
    -----
    The rows are enough if the watermark would be detected (p <= `ALPHA`) at the agreement that the label states. With
    fewer rows, the expected agreement decreases with the square root of their share. With fewer marked columns, it
    decreases with their share: the label does not say which of them show most of it.
    """
    if not label.watermark or label.watermark.startswith(NO_MARK):
        return False
    rows = scanned_rows(frame)
    if not _shows(rows, label):
        return False
    first = detect(tallies(rows, units=False), PUBLIC_KEY, PUBLIC).p
    if first is not None and first <= _BELIED / 2:
        return False
    p = detect(tallies(rows), PUBLIC_KEY, PUBLIC).p
    return p is None or p > _BELIED


def require_label_matches(frame: pd.DataFrame, label: Label | None, subject: str) -> None:
    """Raise LabelError if the rows contradict their label."""
    if label is not None and contradicts_label(frame, label):
        found = "the label is contradicted by the rows: it claims a watermark, and none is found"
        fix = "if these are patients, clear frame.attrs; if these are changed synthetic rows, read the original file"
        raise LabelError(subject, Problem("label", found, fix))


def _shows(rows: pd.DataFrame, label: Label) -> bool:
    """Return True if a watermark of the label's strength would be detected in these rows."""
    if not label.agreement:  # labels of older versions do not state it
        fractions = sum(not one.whole for one in tallies(rows, units=False).native)
        return len(rows) >= ENOUGH and fractions >= SEVERAL
    here = [name for name in label.marked if list(rows.columns).count(name) == 1]
    n_marked = sum(not one.whole for one in tallies(rows[here], units=False).native)
    if not n_marked:
        return False
    return label.agreement * np.sqrt(len(rows)) * n_marked / len(label.marked) >= -ndtri(ALPHA)
