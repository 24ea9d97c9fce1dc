"""Bundled datasets: real cohorts with their citation, and a simulated trial whose truth is known."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pandas as pd

from heorsynth.core.errors import unknown_name
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.datasets.catalogue import CATALOGUE, Dataset
from heorsynth.data.datasets.cluster_trial import ClusterTruth, simulated_cluster_trial
from heorsynth.data.datasets.trial import Truth, simulated_trial
from heorsynth.data.datasets.visit_truth import Treatment, VisitTruth

__all__ = (
    "ClusterTruth",
    "Treatment",
    "Truth",
    "VisitTruth",
    "bundled",
    "citation",
    "describe",
    "frame",
    "load",
    "names",
    "roles",
    "simulated_cluster_trial",
    "simulated_trial",
    "title",
)


def names() -> tuple[str, ...]:
    """Return the names of the datasets that `load` knows.

    See Also
    --------
    describe : Title, citation, licence and roles of a dataset.
    load : The dataset as a cohort.

    Examples
    --------
    >>> "pbc" in names()
    True
    """
    return tuple(CATALOGUE)


def describe(name: str) -> Dataset:
    """Return title, citation, licence and roles of a dataset. Raise UnknownNameError, with the nearest name.

    See Also
    --------
    title, citation, roles, frame : One of these alone.
    load : The dataset as a cohort.

    Examples
    --------
    >>> describe("pbc").licence
    "facts as published; exported from R's survival package by pbc.R"
    """
    if name not in CATALOGUE:
        raise unknown_name("dataset", name, CATALOGUE)
    return CATALOGUE[name]


def title(name: str) -> str:
    """Return the title of a dataset, in one line.

    See Also
    --------
    describe : All facts of a dataset.

    Examples
    --------
    >>> title("pbc")
    'Mayo Clinic primary biliary cholangitis, a rare liver disease: 418 patients, 312 randomised'
    """
    return describe(name).title


def citation(name: str) -> str:
    """Return the citation of a dataset.

    See Also
    --------
    describe : All facts of a dataset.

    Examples
    --------
    >>> citation("pbc")
    'Therneau & Grambsch (2000) Modeling Survival Data, Springer; Fleming & Harrington (1991), Wiley'
    """
    return describe(name).citation


def roles(name: str) -> dict[str, Any]:
    """Return the roles of a dataset's columns, as in `Cohort`.

    See Also
    --------
    frame : The rows that belong to the roles.
    load : Rows and roles as a cohort.

    Examples
    --------
    >>> roles("pbc")["arm"]
    'trt'
    """
    return deepcopy(dict(describe(name).roles))


def frame(name: str) -> pd.DataFrame:
    """Return the rows of a dataset, with events coded 0 = censored, 1 = event of interest, 2.. = competing causes.

    See Also
    --------
    roles : The roles of its columns.
    load : Rows and roles as a cohort.

    Examples
    --------
    >>> frame("pbc").shape
    (418, 20)
    """
    return describe(name).read()


def load(name: str) -> Cohort:
    """Return the dataset as a cohort.

    Raises
    ------
    UnknownNameError    the dataset does not exist; the message has the nearest name
    FileError           the dataset is read from a package that is not installed

    See Also
    --------
    heorsynth.Cohort : Make a cohort of your own rows.

    Examples
    --------
    >>> load("pbc").n
    418
    """
    return Cohort(frame(name), name=name, **roles(name))
