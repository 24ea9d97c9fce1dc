"""The units that follow-up, visits and costs are measured in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heorsynth.core.errors import Problem, RoleError, nearest
from heorsynth.core.numbers import is_whole

TIME_UNITS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}
"""The number of days in each time unit."""


def check_unit(unit: object, role: str = "unit") -> str:
    """Return the time unit. Raise RoleError unless it is day, week, month or year."""
    if not isinstance(unit, str) or unit not in TIME_UNITS:
        raise RoleError("cohort", Problem(role, f"{unit!r} is not a unit of time", nearest(str(unit), TIME_UNITS)))
    return unit


def check_price_year(year: object) -> int | None:
    """Return the price year, or None. Raise RoleError unless it has four digits."""
    if year is None:
        return None
    if not is_whole(year, 1000) or year > 9999:
        problem = Problem("price_year", "is not a year with four digits", "write for example price_year=2024")
        raise RoleError("cohort", problem)
    return int(year)


def check_currency(currency: object) -> str | None:
    """Return the currency of all costs, or None. Raise RoleError for several currencies or anything that is no name."""
    if currency is None or (isinstance(currency, str) and currency.strip()):
        return currency
    fix = "convert all costs to one currency and price year first, and write currency='EUR'"
    problems = "not one currency" if isinstance(currency, (Sequence, Mapping, set)) else "not the name of a currency"
    raise RoleError("cohort", Problem("currency", problems, fix))
