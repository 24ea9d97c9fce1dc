"""The texts of a cohort's card: how follow-up ended, the arms, and the levels of subgroups, without rare ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from heorsynth.core.disclosure import RULES, shown_counts
from heorsynth.core.display import counted
from heorsynth.core.estimate import significant
from heorsynth.data.columns.levels import SMALL_COUNT, as_text, shown_names


def ends_text(cause: np.ndarray, names: Mapping[int, str]) -> str:
    """Return how follow-up (n,) ended, in words."""
    codes = [int(code) for code in np.unique(cause) if code > 0]
    told = [names.get(code, "events" if code == 1 else f"cause {code}") for code in codes]
    counts = shown_counts([int((cause == code).sum()) for code in (*codes, 0)])
    return ", ".join(f"{count} {what}" for count, what in zip(counts, [*told, "censored"], strict=True))


def arm_text(assigned: np.ndarray, levels: Sequence[str], causes: Sequence[np.ndarray]) -> str:
    """Return the arms (n,) with their patients and, of each endpoint (its causes (n,)), their events."""
    sizes = [int((assigned == level).sum()) for level in (*levels, "")]
    names = shown_names(dict(zip(levels, sizes[:-1], strict=True))).values()
    *texts, unassigned = shown_counts(sizes)
    parts = [f"{name} {count}" for name, count in zip(names, texts, strict=True)]
    for cause in causes:
        events = shown_counts([int(((assigned == level) & (cause == 1)).sum()) for level in (*levels, "")])
        parts = [f"{part} ({count} events)" for part, count in zip(parts, events, strict=False)]
    return ", ".join(parts) + (f", {unassigned} not assigned" if sizes[-1] else "")


def middle(time: np.ndarray) -> str:
    """Return the median of times as text: of five patients, and rounded, so that it is no patient's own."""
    return significant(RULES.quantile(time[np.isfinite(time)], 0.5), 3)


def counts_text(column: pd.Series) -> str:
    """Return the levels of a categorical column with their counts. Rare levels are counted, not named."""
    counts = as_text(column).value_counts().sort_index()
    texts = shown_counts([*map(int, counts), int(column.isna().sum())], keep=len(counts))
    shown = [f"{level} {text}" for (level, count), text in zip(counts.items(), texts, strict=False)
             if count >= SMALL_COUNT]  # fmt: skip
    rare = int((counts < SMALL_COUNT).sum())
    if rare:
        shown.append(counted(rare, "rare level"))
    return ", ".join(shown) or "none"
