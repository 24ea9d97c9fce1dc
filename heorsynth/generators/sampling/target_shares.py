"""Which subgroup cells to draw, and how many rows of each, so that stated shares come out exactly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem, nearest
from heorsynth.data.cohort.domain import Domain


def checked_where(where: Mapping[str, object], domain: Domain) -> dict[str, str]:
    """The levels asked for, as text.

    Raises
    ------
    GeneratorError     a column that is no declared arm or subgroup (what its rows rest on would be unknown), or a
                       level nobody has
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
    """Subgroup cells with row counts whose margins meet the targets, by raking the source's shares.

    A level left out of a target gets no rows, nor do patients whose level is missing. Each target's counts are
    its shares times n, rounded by largest remainder (with several targets, where the cells that patients are
    in allow it).

    Raises
    ------
    GeneratorError     a level nobody has, or targets that no mix of the source's cells can meet together

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


Members = Mapping[tuple[str, str], np.ndarray]
"""For each target and level, which cells are of it."""


def _raked(weights: np.ndarray, wanted: Mapping[str, Mapping[str, float]], members: Members, n: int) -> np.ndarray:
    """The weights scaled until each level has its share, to half a row among n; they sum to 1."""
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
                    fix = "a level nobody has, within `where` and the other targets, cannot be made"
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
    counts: np.ndarray, exact: np.ndarray, wanted: Mapping[str, Mapping[str, float]], members: Members
) -> np.ndarray:
    """The counts with single rows moved between cells, the best-fitting first, until each target's counts are met.

    Rounding cells one by one adds up: without this, ten cells of a level may all be rounded down.
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
