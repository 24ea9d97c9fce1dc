"""Recognises the rows of a bundled dataset by their content, whatever a cohort is called."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

from heorsynth.core.errors import FileError
from heorsynth.core.secret import PUBLIC_RELEASE_KEY, ReleaseKey, release_key
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.datasets.catalogue import CATALOGUE
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.keyed_patients import keyed_patients

_LEAST_SHARE, _LEAST_ROWS = 0.5, 20
"""The share and the number of rows that must differ from every other row. Coarse rows, such as arm and sex alone, also
occur in other studies, and prove nothing."""


def key_for(cohort: Cohort | CohortFolder, given: str | Path | ReleaseKey | None = None) -> ReleaseKey:
    """Return the key for the noise of a release of this cohort.

    Parameters
    ----------
    given : path or ReleaseKey, optional      the key to use; by default the public one for a bundled dataset, else
                                              the custodian's (`core.secret.release_key`)

    Raises
    ------
    FileError      the custodian's key cannot be read or made
    """
    if isinstance(given, ReleaseKey):
        return given
    if given is None and isinstance(cohort, Cohort) and is_bundled(cohort):
        return PUBLIC_RELEASE_KEY
    return release_key(given)


def is_bundled(cohort: Cohort) -> bool:
    """Return True if every row of a cohort, with all its columns but the id, is a row of one bundled dataset.

    Notes
    -----
    The content decides, and no name or flag: a person can set these by accident. A subset of the rows, such as the
    cohort without its hold-out, is recognised; one changed value, or one patient more, is not. Many rows must
    differ from all others (`_LEAST_SHARE`), else patients of another study could have them by chance.

    Examples
    --------
    >>> import numpy as np
    >>> from heorsynth.data import datasets
    >>> cohort = datasets.load("pbc")
    >>> is_bundled(cohort), is_bundled(cohort.take(np.arange(100)))
    (True, True)
    """
    names = tuple(str(name) for name in cohort.rows.columns if name != cohort.schema.id)
    mine = Counter(keyed_patients(cohort, PUBLIC_RELEASE_KEY).rows.tolist())
    if sum(count == 1 for count in mine.values()) < max(_LEAST_ROWS, _LEAST_SHARE * cohort.n):
        return False
    return any(mine <= _rows_of(dataset, names) for dataset in CATALOGUE)


@cache
def _rows_of(dataset: str, names: tuple[str, ...]) -> Counter[int]:
    """The hashed rows of a dataset in these columns, each with its number; empty if it lacks one or is not here."""
    try:
        frame = CATALOGUE[dataset].read()
    except FileError:
        return Counter()
    if not set(names) <= set(map(str, frame.columns)):
        return Counter()
    cohort = Cohort(frame, name=dataset, **CATALOGUE[dataset].roles)  # type: ignore[arg-type]  # roles of several types
    rows = Cohort.derive(cohort.schema, cohort.rows[list(names)], label=None)
    return Counter(keyed_patients(rows, PUBLIC_RELEASE_KEY).rows.tolist())
