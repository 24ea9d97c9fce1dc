"""Fits the generator of a protocol: once for the release, and again without single patients for attacks on releases."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from heorsynth.checks.privacy.estimands import OF_RELEASES
from heorsynth.checks.privacy.releases import FITS, LEAST_PATIENTS, releases
from heorsynth.core.errors import CohortError, GeneratorError, UnknownNameError
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.engine.engine import Engine
from heorsynth.engine.task import one_thread
from heorsynth.estimators.attacks.differencing import Releases
from heorsynth.generators import registry
from heorsynth.generators.sampling.cohorts import MoreRowsThanPatients
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.protocol.custody import Custody
from heorsynth.protocol.file.error_lines import with_lines
from heorsynth.protocol.file.kept_columns import generator_options
from heorsynth.protocol.file.spec import Document, Protocol
from heorsynth.protocol.synthetic import Patients
from heorsynth.published.trial.trial import PublishedTrial

_FAST, _MOST_PATIENTS = "heor", 2_000
"""Without a declared margin, only this generator is fitted again, to at most so many patients: it takes a minute."""

_COHORTS = (2, 100)
"""Each of these releases has the protocol's number of cohorts, but at least and at most so many."""


def fitted(protocol: Protocol, cohort: Patients, engine: Engine, custody: Custody) -> Sampler | None:
    """Fit the generator of a protocol; `engine` reads the sample of a folder. None for a paper: nothing is fitted.

    Raises
    ------
    CohortError, GeneratorError     with the line of the protocol
    """
    if isinstance(cohort, PublishedTrial):
        return None
    extra = (
        {"engine": engine} if isinstance(cohort, CohortFolder) and protocol.document.generator.name == "heor" else {}
    )
    try:
        return _fit(protocol.document, cohort, custody.options, **extra)
    except CohortError as error:
        raise with_lines(error, protocol) from error
    except (GeneratorError, UnknownNameError) as error:
        raise with_lines(error, protocol, "generator") from error


def _fit(document: Document, cohort: Cohort | CohortFolder, of_release: dict[str, object], **extra: Any) -> Sampler:
    # Only heor accepts a folder; every other recipe raises GeneratorError.
    with one_thread():
        recipe: Any = registry.create(document.generator.name, **generator_options(document, cohort), **of_release)
        sampler: Sampler = recipe.fit(
            cohort, document.generator.seed, allow_synthetic_source=document.cohort.allow_synthetic_source, **extra
        )
    return sampler


def not_refitted(document: Document, cohort: Patients) -> str:
    """Return why the generator of a protocol is not fitted again for attacks on two releases; "" if it is.

    It is fitted again where a margin of such an attack is declared, and by default for the purpose data-sharing.
    """
    keys = [one.key for one in OF_RELEASES]
    asked, settings = bool(set(keys) & set(document.margins)), document.generator
    if not isinstance(cohort, Cohort):
        return "needs a cohort in memory"
    if cohort.n < LEAST_PATIENTS:
        return f"needs {LEAST_PATIENTS} patients or more, to leave out some of them"
    if asked or (document.purpose == "data-sharing" and settings.name == _FAST and cohort.n <= _MOST_PATIENTS):
        return ""
    of = f"{settings.name!r}" if settings.name != _FAST else f"'heor' to more than {_MOST_PATIENTS:,} patients"
    return f"not asked: it takes {FITS} more fits of {of}; to ask, declare a margin for {keys[0]}"


def refitted(protocol: Protocol, cohort: Patients, custody: Custody, engine: Engine) -> Releases | str:
    """Return the means of releases without single patients, or why there are none.

    Raises
    ------
    EngineError     a refit failed twice
    """
    if reason := not_refitted(protocol.document, cohort):
        return reason
    assert isinstance(cohort, Cohort), "a folder is not fitted again"
    again = _Again(protocol.document, custody.options)
    return releases(cohort, again, stream(protocol.document.generator.seed, "refit"), engine)


@dataclass(frozen=True)
class _Again:
    """A cohort -> the cohorts of its release by the same protocol; sent to workers, with the release key."""

    document: Document
    of_release: dict[str, object] = field(repr=False)

    def __call__(self, cohort: Cohort) -> Sequence[Cohort]:
        settings = self.document.generator
        n = cohort.n if settings.n == "same" else settings.n
        m = min(max(settings.m, _COHORTS[0]), _COHORTS[1])
        sampler = _fit(self.document, cohort, self.of_release)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MoreRowsThanPatients)  # the evidence has a note on it
            return sampler.sample(n, m, settings.seed, settings.where or None, settings.targets or None)
