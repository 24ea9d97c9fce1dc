"""Compares two runs file by file: first the bytes, then the numbers within a stated tolerance."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from heorsynth.core.reading import json_of
from heorsynth.protocol.run_folder import OCCASION_FILES, SUMS, bounded, files_in, sha256_of
from heorsynth.provenance.in_toto import STATEMENT
from heorsynth.provenance.signature import ENVELOPE, opened

_RELATIVE_TOLERANCE = 2e-8
"""Relative difference that another processor may cause: one unit in the last of the nine digits written."""

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
"""A number in the text of a page, such as 1,234.5 or 6.1e-05."""

IDENTICAL, WITHIN, DIFFERENT = "identical", "within tolerance", "different"
NOT_RERUNNABLE = "not re-runnable"


def compared_runs(before: Path, after: Path) -> dict[str, str]:
    """State of every file of two runs: "identical", "within tolerance", "different"; "not re-runnable" for a signature.

    Notes
    -----
    Sums, Croissant file, crate and statement contain hashes of other files. For each file within tolerance, the hash of
    the first run is substituted before they are compared. Otherwise all four would differ because of one last digit.
    """
    states: dict[str, str] = {}
    swaps: dict[str, _Swap] = {}
    names = sorted({*files_in(before), *files_in(after)} - {SUMS, *OCCASION_FILES})
    for name in (*names, SUMS, *OCCASION_FILES[:3]):
        states[name] = compared(before / name, after / name, swaps if name in (SUMS, *OCCASION_FILES) else {})
        if states[name] == WITHIN:
            one, other = before / name, after / name
            swaps[sha256_of(other)] = sha256_of(one), str(one.stat().st_size), str(other.stat().st_size)
    states[ENVELOPE] = _compared_envelopes(before / ENVELOPE, after / ENVELOPE, states[STATEMENT])
    return states


def _compared_envelopes(before: Path, after: Path, statement: str) -> str:
    """State of the signature file; the second run is unsigned, because `verify` has no private key."""
    if statement == DIFFERENT:
        return DIFFERENT
    if opened(bounded(before)).key_id:
        return NOT_RERUNNABLE
    return IDENTICAL if sha256_of(before) == sha256_of(after) else WITHIN if statement == WITHIN else DIFFERENT


_Swap = tuple[str, str, str]
"""Hash and size of a file in the first run, and its size in the second."""


def compared(before: Path, after: Path, swaps: Mapping[str, _Swap] = MappingProxyType({})) -> str:
    """One of "identical", "within tolerance" or "different".

    Parameters
    ----------
    swaps : Mapping      hash in the second run to hash and sizes that replace it
    """
    if not before.exists() or not after.exists():
        return DIFFERENT
    if sha256_of(before) == sha256_of(after):
        return IDENTICAL
    if swaps:
        return _compared_documents(before, after, swaps)
    if before.suffix == ".json":
        close = _close(json_of(before.read_bytes()), json_of(after.read_bytes()))
        return WITHIN if close else DIFFERENT
    if before.suffix in (".csv", ".parquet"):
        read = pd.read_csv if before.suffix == ".csv" else pd.read_parquet
        return WITHIN if _close_frames(read(before), read(after)) else DIFFERENT
    if before.suffix in (".html", ".ipynb"):
        return WITHIN if _close_text(*(file.read_text(encoding="utf-8") for file in (before, after))) else DIFFERENT
    return DIFFERENT


def _compared_documents(before: Path, after: Path, swaps: Mapping[str, _Swap]) -> str:
    """State of two files that contain hashes, after substituting the hashes of the first run in the second."""
    if before.suffix == ".json":
        facts = _swapped(json_of(bounded(after)), swaps)
        return WITHIN if _close(json_of(bounded(before)), facts) else DIFFERENT
    lines = [line.split("  ", 1) for line in bounded(after).decode().splitlines()]
    text = "".join(f"{swaps[one[0]][0] if one[0] in swaps else one[0]}  {one[-1]}\n" for one in lines)
    return WITHIN if text.encode() == bounded(before) else DIFFERENT


def _swapped(facts: Any, swaps: Mapping[str, _Swap]) -> Any:
    """JSON-ready data with the hashes and sizes of the first run's files."""
    if isinstance(facts, list):
        return [_swapped(one, swaps) for one in facts]
    if not isinstance(facts, dict):
        return swaps[facts][0] if isinstance(facts, str) and facts in swaps else facts
    swapped = {name: _swapped(value, swaps) for name, value in facts.items()}
    if "contentSize" in facts and facts.get("sha256") in swaps:
        _, first, second = swaps[facts["sha256"]]
        swapped["contentSize"] = facts["contentSize"].replace(second, first)
    return swapped


def _close_text(before: str, after: str) -> bool:
    """True if two pages have the same words and pictures, and numbers that agree within `_RELATIVE_TOLERANCE`."""
    if _NUMBER.sub("0", before) != _NUMBER.sub("0", after):
        return False
    pairs = zip(_NUMBER.findall(before), _NUMBER.findall(after), strict=True)
    return all(_close(*(float(one.replace(",", "")) for one in pair)) for pair in pairs)


def _close(before: object, after: object) -> bool:
    """True if two JSON values are equal, numbers within `_RELATIVE_TOLERANCE`."""
    if isinstance(before, float) and isinstance(after, (int, float)):
        return math.isclose(before, after, rel_tol=_RELATIVE_TOLERANCE, abs_tol=1e-12)
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_close(value, after[name]) for name, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(_close(*pair) for pair in zip(before, after, strict=True))
    return before == after


def _close_frames(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    try:
        pd.testing.assert_frame_equal(before, after, rtol=_RELATIVE_TOLERANCE, atol=1e-12)
    except AssertionError:
        return False
    return True
