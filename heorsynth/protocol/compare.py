"""Compares two files of a run: bytes, then numbers within a stated tolerance."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd

from heorsynth.core.reading import json_of
from heorsynth.protocol.folder import sha256_of

RELATIVE_TOLERANCE = 1e-9
"""Two numbers this close are the same computation on another machine's arithmetic."""

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
"""A number as a page shows it: 1,234.5 or 6.1e-05."""

IDENTICAL, WITHIN, DIFFERENT = "identical", "within tolerance", "different"


def compared(before: Path, after: Path) -> str:
    """One of "identical", "within tolerance" or "different"."""
    if not after.exists():
        return DIFFERENT
    if sha256_of(before) == sha256_of(after):
        return IDENTICAL
    if before.suffix == ".json":
        close = _close(json_of(before.read_bytes()), json_of(after.read_bytes()))
        return WITHIN if close else DIFFERENT
    if before.suffix in (".csv", ".parquet"):
        read = pd.read_csv if before.suffix == ".csv" else pd.read_parquet
        return WITHIN if _close_frames(read(before), read(after)) else DIFFERENT
    if before.suffix in (".html", ".ipynb"):
        return WITHIN if _close_text(*(file.read_text(encoding="utf-8") for file in (before, after))) else DIFFERENT
    return DIFFERENT


def _close_text(before: str, after: str) -> bool:
    """True for pages whose words and pictures are the same, and whose numbers agree to `RELATIVE_TOLERANCE`."""
    if NUMBER.sub("0", before) != NUMBER.sub("0", after):
        return False
    pairs = zip(NUMBER.findall(before), NUMBER.findall(after), strict=True)
    return all(_close(*(float(one.replace(",", "")) for one in pair)) for pair in pairs)


def _close(before: object, after: object) -> bool:
    """True for JSON values that agree, numbers to `RELATIVE_TOLERANCE`."""
    if isinstance(before, float) and isinstance(after, (int, float)):
        return math.isclose(before, after, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_close(value, after[name]) for name, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(_close(*pair) for pair in zip(before, after, strict=True))
    return before == after


def _close_frames(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    try:
        pd.testing.assert_frame_equal(before, after, rtol=RELATIVE_TOLERANCE)
    except AssertionError:
        return False
    return True
