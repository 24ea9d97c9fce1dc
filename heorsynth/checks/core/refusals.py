"""Why a question is not answered: too few patients, or the problems of an error in one line."""

from __future__ import annotations

from heorsynth.checks.core.strata import Observed
from heorsynth.core.errors import HeorsynthError
from heorsynth.data.columns.levels import SMALL_COUNT


def too_few(real: Observed) -> str:
    """Return why nothing is shown for fewer than 5 real patients (it could reveal one of them), or ""."""
    return f"fewer than {SMALL_COUNT} real patients: not shown" if real.n < SMALL_COUNT else ""


def reason_of(error: HeorsynthError) -> str:
    """Return the problems of an error, in one line."""
    lines = [f"{problem.where}: {problem.found}" if problem.where else problem.found for problem in error.problems]
    return "; ".join(lines) or error.subject
