"""The figure of a cohort's selection from a database: the persons left after each step."""

from __future__ import annotations

from itertools import pairwise
from textwrap import wrap

import pandas as pd
from matplotlib.axes import Axes

from heorsynth.core.disclosure import RULES
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.report.figures.style import BLUE, GREY, Picture, canvas, style

_WIDTH, _ROW = 8.0, 0.42
_LEAST_SHARE = 0.01
"""A smaller share is shown as "<1%"."""

_LEFT, _LEFT_OUT = 1.03, 1.6
"""Places of the two columns of numbers, in widths of the bars."""


def attrition(steps: pd.DataFrame) -> Picture:
    """Return a figure of the persons left after each step from the database to the cohort.

    Counts are rounded down to a multiple of 5, so a table with exact counts and the file of a run give the same figure.

    Parameters
    ----------
    steps : DataFrame     step (text), persons (whole numbers that do not rise): `attrition` of `hs.from_omop`, or
                          `attrition.csv` of a run

    Returns
    -------
    Picture      `frame`: step, persons (rounded down to 5), left_out (the difference from the step before), share (of
                 the persons of the first step)

    Raises
    ------
    NotEstimableError    a column or a row is missing, or the persons are not counts that never rise

    See Also
    --------
    heorsynth.data.sources.omop.from_omop : Makes the table.

    References
    ----------
    Benchimol et al. (2015) PLoS Med 12:e1001885 (RECORD, item 13.1): the selection of persons in a flow diagram.

    Examples
    --------
    >>> steps = pd.DataFrame({"step": ["in the database", "an event of stroke", "in an arm"], "persons": [902, 61, 59]})
    >>> picture = attrition(steps)
    >>> print(picture.alt)
    Persons left after each step. In the database: 900; an event of stroke: 60, 840 left out; in an arm: 55, 5 left out.
    >>> picture.frame["left_out"].tolist()
    [0, 840, 5]
    """
    _require_attrition(steps)
    persons = [RULES.floor(int(count)) for count in steps["persons"]]
    left_out = [0, *(before - after for before, after in pairwise(persons))]
    share = [count / persons[0] if persons[0] else float("nan") for count in persons]
    frame = pd.DataFrame(
        {"step": steps["step"].astype(str).to_numpy(), "persons": persons, "left_out": left_out, "share": share}
    )
    with style():
        axes = _bars(frame)
    told = [f"{step}: {_few(count)}" for step, count in zip(frame["step"], persons, strict=True)]
    told[1:] = [f"{text}, {_few(less)} left out" for text, less in zip(told[1:], left_out[1:], strict=True)]
    listed = "; ".join(told)
    return Picture(
        axes,
        frame,
        f"Persons left after each step. {listed[0].upper()}{listed[1:]}.",
        "Bar: persons left. Paler: persons whom the step leaves out. Shares are of the first count. Counts are "
        "rounded down to a multiple of 5, so a number left out is known within 4.",
    )


def _require_attrition(steps: pd.DataFrame) -> None:
    """Raise NotEstimableError unless the frame has steps with counts that never rise."""
    missing = [name for name in ("step", "persons") if name not in steps]
    if missing:
        problem = Problem(", ".join(missing), "no such column", "give `attrition` of hs.from_omop, or attrition.csv")
    elif steps.empty:
        problem = Problem("step", "there is none", "give at least the persons of the database")
    elif not pd.api.types.is_integer_dtype(steps["persons"]) or (steps["persons"] < 0).any():
        problem = Problem("persons", "are not whole numbers from 0", "give a count for each step")
    elif not steps["persons"].is_monotonic_decreasing:
        problem = Problem("persons", "rise from one step to the next", "give the steps in their order")
    else:
        return
    raise NotEstimableError("attrition", problem)


def _few(count: int) -> str:
    """Return a rounded count as text; 0 stands for 0 to 4."""
    return f"{count:,}" if count else f"fewer than {RULES.smallest}"


def _bars(frame: pd.DataFrame) -> Axes:
    """Draw a bar for each step, from the top, with its count and the persons whom it leaves out."""
    height = 0.95 + _ROW * len(frame)
    figure = canvas(_WIDTH, height)
    axes = figure.add_axes((2.6 / _WIDTH, 0.2 / height, (_WIDTH - 5.2) / _WIDTH, 1 - 0.75 / height))
    whole = max(1, int(frame["persons"].iloc[0]))
    for at, (count, less) in enumerate(zip(frame["persons"], frame["left_out"], strict=True)):
        axes.barh(at, count, height=0.62, color=BLUE)
        axes.barh(at, less, left=count, height=0.62, color=BLUE, alpha=0.2)
        part = f"{count / whole:.0%}" if count / whole >= _LEAST_SHARE else f"<{_LEAST_SHARE:.0%}"
        beside = f"{_few(count)} ({part})" if at and count else _few(count)
        axes.text(_LEFT, at, beside, transform=axes.get_yaxis_transform(), va="center", weight="bold")
        if at:
            axes.text(_LEFT_OUT, at, _few(less), transform=axes.get_yaxis_transform(), va="center", color=GREY)
    axes.set(xlim=(0, whole), ylim=(len(frame) - 0.5, -0.5), xticks=[])
    axes.set_yticks(range(len(frame)), [_wrapped(step) for step in frame["step"]])
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)
    top = 1 - 0.2 / height
    figure.text(0.1 / _WIDTH, top, "From the database to the cohort", weight="bold", fontsize=10, va="center")
    for place, text in ((_LEFT, "persons left"), (_LEFT_OUT, "left out")):
        axes.text(place, -0.75, text, transform=axes.get_yaxis_transform(), va="center", color=GREY, fontsize=8)
    return axes


def _wrapped(step: str, most: int = 34) -> str:
    """Return a step on at most two lines; a longer one is cut."""
    lines = wrap(step, most)
    return "\n".join(lines[:2]) + ("…" if len(lines) > 2 else "")
