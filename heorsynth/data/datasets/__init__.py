"""Bundled datasets: real cohorts with their citation, and a simulated trial whose truth is known."""

from __future__ import annotations

from copy import deepcopy

import pandas as pd

from heorsynth.core.errors import unknown_name
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.datasets.catalogue import CATALOGUE, Dataset
from heorsynth.data.datasets.trial import Truth, simulated_trial

__all__ = ("Truth", "citation", "describe", "frame", "load", "names", "roles", "simulated_trial", "title")


def names() -> tuple[str, ...]:
    """The datasets `load` knows."""
    return tuple(CATALOGUE)


def describe(name: str) -> Dataset:
    """Title, citation, licence and roles of a dataset; UnknownNameError with the nearest name if there is none."""
    if name not in CATALOGUE:
        raise unknown_name("dataset", name, CATALOGUE)
    return CATALOGUE[name]


def title(name: str) -> str:
    """What a dataset is, in a line."""
    return describe(name).title


def citation(name: str) -> str:
    """Who published it."""
    return describe(name).citation


def roles(name: str) -> dict[str, object]:
    """The roles of its columns, as `Cohort` takes them."""
    return deepcopy(dict(describe(name).roles))


def frame(name: str) -> pd.DataFrame:
    """Its rows as a frame, events coded 0 = censored, 1 = the event of interest, 2.. = competing causes."""
    return describe(name).read()


def load(name: str) -> Cohort:
    """The dataset as a cohort.

    Raises
    ------
    UnknownNameError    no such dataset; the message names the nearest
    FileError           it is read from a package that is not installed

    Examples
    --------
    >>> load("pbc").n
    418
    """
    return Cohort(frame(name), name=name, **roles(name))  # type: ignore[arg-type]
