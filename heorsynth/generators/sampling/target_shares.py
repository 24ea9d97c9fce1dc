"""Checks `where`, and divides rows over cells so that shares are exact to rounding."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem, nearest
from heorsynth.data.cohort.domain import Domain


def checked_where(where: Mapping[str, object], domain: Domain) -> dict[str, str]:
    """The levels asked for, as text.

    Raises
    ------
    GeneratorError     the column is not a declared arm or subgroup, or no patient has the level. For other columns
                       the number of patients that the rows rest on is not known
    """
    wanted: dict[str, str] = {}
    for name, level in where.items():
        if name not in domain.schema.strata:
            fix = (
                f"declare it, subgroups=[…, {name!r}]"
                if name in domain.columns
                else nearest(name, domain.schema.strata)
            )
            raise GeneratorError("where", Problem(f"column {name!r}", "not a declared arm or subgroup", fix))
        levels = domain.columns[name].levels or frozenset()
        if str(level) not in levels:
            raise GeneratorError(
                "where",
                Problem(f"column {name!r}", f"no level {str(level)!r} in the source", "give one that patients have"),
            )
        wanted[name] = str(level)
    return wanted


def allocate(shares: np.ndarray, n: int) -> np.ndarray:
    """Whole numbers that sum to n and differ from n·share by less than one (largest remainder).

    Examples
    --------
    >>> allocate(np.array([0.5, 0.3, 0.2]), 7).tolist()
    [4, 2, 1]
    """
    exact = shares / shares.sum() * n
    counts = np.floor(exact).astype(int)
    remainders = exact - counts
    order = np.lexsort((np.arange(len(shares)), -np.round(remainders, 9)))
    counts[order[: n - counts.sum()]] += 1
    return counts


def cells_for_targets(
    n: int,
    shares: Mapping[tuple[str, ...], float],
    targets: Mapping[str, Mapping[str, float]],
    domain: Domain,
    where: Mapping[str, str],
) -> list[tuple[dict[str, str], int]]:
    """Subgroup cells with numbers of rows that meet the targets; the shares of the source are raked to them.

    A level left out of a target gets no rows, and neither does a missing level. The count of each level is its
    share times n, rounded by largest remainder. With several targets that may be impossible in the cells that
    patients are in; then it is met as nearly as they allow.

    Raises
    ------
    GeneratorError     no patient has a level, or no mix of the source's cells meets the targets together

    References
    ----------
    Deming & Stephan (1940) Ann Math Stat 11:427, iterative proportional fitting.
    """
    names = list(domain.schema.subgroups)
    cells = [dict(zip(names, cell, strict=True)) for cell in shares]
    weights = np.array(list(shares.values()), dtype=float)
    weights *= [all(cell.get(name, level) == level for name, level in where.items()) for cell in cells]
    wanted = {name: _checked_target(name, dict(levels), domain) for name, levels in targets.items()}
    members = {
        (name, level): np.array([cell[name] == level for cell in cells])
        for name, levels in wanted.items()
        for level in levels
    }
    exact = _raked(weights, wanted, members, n) * n
    counts = _settled(allocate(exact, n), exact, wanted, members)
    return [(dict(cell) | dict(where), int(count)) for cell, count in zip(cells, counts, strict=True)]


_Members = Mapping[tuple[str, str], np.ndarray]
"""Target and level to the cells that have it, True or False (c,)."""


def _raked(weights: np.ndarray, wanted: Mapping[str, Mapping[str, float]], members: _Members, n: int) -> np.ndarray:
    """The weights, scaled until each level has its share to half a row of n. They sum to 1."""
    held = weights.copy()
    for name, levels in wanted.items():
        held *= np.logical_or.reduce([members[name, level] for level in levels])
    for _ in range(500):
        before = held.copy()
        for name, levels in wanted.items():
            for level, share in levels.items():
                member = members[name, level]
                total = held[member].sum()
                if total == 0 and share > 0:
                    fix = "give levels that patients have, within `where` and the other targets"
                    raise GeneratorError("targets", Problem(name, f"no patient of level {level!r} to draw from", fix))
                held[member] *= share / total if total else 0.0
        if np.abs(held - before).max() < 1e-12:
            break
    gaps = [abs(held[members[name, level]].sum() - share) for name in wanted for level, share in wanted[name].items()]
    if max(gaps) > 0.5 / n:
        raise GeneratorError(
            "targets",
            Problem(", ".join(wanted), "no mix of the source's patients meets them together", "ask for fewer"),
        )
    return held


def _settled(
    counts: np.ndarray, exact: np.ndarray, wanted: Mapping[str, Mapping[str, float]], members: _Members
) -> np.ndarray:
    """The counts, with rows moved between cells until each level has its count; the move that rounds best comes first.

    Without this, all ten cells of a level might be rounded down, and the level would lack several rows.
    """
    settled, n = counts.copy(), int(counts.sum())
    for name, levels in wanted.items():
        goal = dict(zip(levels, allocate(np.array(list(levels.values())), n), strict=True))
        kept = [members[key] for key in members if key[0] != name]
        for _ in range(n):
            surplus = {level: int(settled[members[name, level]].sum()) - goal[level] for level in levels}
            moves = [
                (settled[i] - exact[i] - settled[j] + exact[j], -i, -j)
                for over in (level for level in levels if surplus[level] > 0)
                for under in (level for level in levels if surplus[level] < 0)
                for i in np.flatnonzero(members[name, over] & (settled > 0))
                for j in np.flatnonzero(members[name, under] & (exact > 0))
                if all(member[i] == member[j] for member in kept)
            ]
            if not moves:
                break
            _, i, j = max(moves)
            settled[-i] -= 1
            settled[-j] += 1
    return settled


def _checked_target(name: str, levels: dict[str, float], domain: Domain) -> dict[str, float]:
    if name not in domain.schema.subgroups:
        raise GeneratorError(
            "targets",
            Problem(
                f"{name!r}",
                "not a declared subgroup",
                nearest(name, domain.schema.subgroups) if domain.schema.subgroups else "declare subgroups",
            ),
        )
    known = domain.columns[name].levels or frozenset()
    unknown = sorted(set(map(str, levels)) - known)
    if unknown:
        told = f"no level {unknown[0]!r} in the source"
        raise GeneratorError("targets", Problem(name, told, "give levels that patients have"))
    if any(share < 0 for share in levels.values()) or abs(sum(levels.values()) - 1) > 1e-6:
        raise GeneratorError(
            "targets", Problem(f"{name}", "shares must be from 0 up and sum to 1", "write every level's share")
        )
    return {str(level): float(share) for level, share in levels.items()}
