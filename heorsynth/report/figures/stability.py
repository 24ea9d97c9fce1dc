"""The picture of model collapse: what is left of each quantity, generation after generation."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.ticker import MaxNLocator

from heorsynth.core.display import counted
from heorsynth.core.errors import unknown_name
from heorsynth.report.figures.style import GREY, GROUP_COLOURS, GROUP_MARKERS, Picture, canvas, style, watermark

_MOST = 6
"""Lines in one picture: as many as there are colours that can be told apart."""


def collapse_curves(decay: pd.DataFrame, quantities: Sequence[str] | None = None) -> Picture:
    """Return a figure of each quantity divided by its value in the patients, by generation: 1 is no loss.

    Parameters
    ----------
    decay : DataFrame                    what `heorsynth.stability.collapse` returned
    quantities : sequence, optional      which to draw; the six that moved most by default

    Returns
    -------
    Picture      `frame`: generation, quantity, relative

    Raises
    ------
    UnknownNameError     a quantity that is not in the frame

    See Also
    --------
    heorsynth.stability.collapse : Makes the frame.

    Examples
    --------
    >>> import pandas as pd
    >>> decay = pd.DataFrame({"generation": [0, 1], "quantity": "mean of age", "relative": [1.0, 0.98]})
    >>> print(collapse_curves(decay).alt)
    Quantities over their value in the patients after 1 generation: mean of age 0.98.
    """
    known = list(dict.fromkeys(decay["quantity"]))
    for name in quantities or ():
        if name not in known:
            raise unknown_name("quantity", name, known)
    moved = decay.assign(moved=(decay["relative"] - 1).abs()).groupby("quantity")["moved"].max()
    chosen = list(quantities or moved.sort_values(ascending=False, kind="stable").index)[:_MOST]
    frame = decay.loc[decay["quantity"].isin(chosen), ["generation", "quantity", "relative"]].reset_index(drop=True)
    with style():
        figure = canvas(8.0, 4.2)
        axes = figure.add_axes((0.09, 0.13, 0.58, 0.74))
        axes.axhline(1, color=GREY, linewidth=0.8)
        for name, colour, marker in zip(chosen, GROUP_COLOURS, GROUP_MARKERS, strict=False):
            held = frame[frame["quantity"] == name]
            axes.plot(held["generation"], held["relative"], "--", color=colour, marker=marker, markersize=5, label=name)
        axes.set(xlabel="Generation", ylabel="Over its value in the patients", title="Fitted to its own output")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
        watermark(figure)
    last = frame.dropna(subset=["relative"]).groupby("quantity", sort=False).last()["relative"]
    told = "; ".join(f"{name} {last[name]:.2f}" for name in chosen if name in last)
    generations = counted(int(frame["generation"].max()), "generation")
    return Picture(
        axes,
        frame,
        f"Quantities over their value in the patients after {generations}: {told}.",
        "Each line follows one quantity while a generator is fitted to its own rows again and again. On the grey line "
        "nothing is lost.",
    )
