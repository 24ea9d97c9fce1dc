"""Which subgroup cells to draw, and how many rows of each, so that stated shares come out exactly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem, nearest
from heorsynth.data.domain import Domain


def checked_where(where: Mapping[str, object], domain: Domain) -> dict[str, str]:
    """The levels asked for, as text; GeneratorError if a column or level is not in the source."""
    wanted: dict[str, str] = {}
    for name, level in where.items():
        if name not in domain.columns or domain.columns[name].levels is None:
            known = [known for known, column in domain.columns.items() if column.levels is not None]
            raise GeneratorError("where", Problem(f"column {name!r}", "not a column of levels", nearest(name, known)))
        levels = domain.columns[name].levels or frozenset()
        if str(level) not in levels:
            raise GeneratorError(
                "where",
                Problem(f"column {name!r}", f"no level {str(level)!r} in the source", nearest(str(level), levels)),
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

    References
    ----------
    Deming & Stephan (1940) Ann Math Stat 11:427, iterative proportional fitting.
    """
    names = list(domain.schema.subgroups)
    cells = [dict(zip(names, cell, strict=True)) for cell in shares]
    weights = np.array(list(shares.values()), dtype=float)
    weights *= [all(cell.get(name, level) == level for name, level in where.items()) for cell in cells]
    wanted = {name: _checked_target(name, dict(levels), domain) for name, levels in targets.items()}
    for _ in range(500):
        before = weights.copy()
        for name, levels in wanted.items():
            for level, share in levels.items():
                member = np.array([cell[name] == level for cell in cells])
                total = weights[member].sum()
                if total == 0 and share > 0:
                    raise GeneratorError(
                        "targets",
                        Problem(
                            f"{name}",
                            f"no patient of level {level!r} to draw from",
                            "a level nobody has cannot be made",
                        ),
                    )
                weights[member] *= share / total if total else 0.0
        if np.abs(weights - before).max() < 1e-12:
            break
    return [(dict(cell) | dict(where), int(count)) for cell, count in zip(cells, allocate(weights, n), strict=True)]


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
        raise GeneratorError(
            "targets", Problem(f"{name}", f"no level {unknown[0]!r} in the source", nearest(unknown[0], known))
        )
    if any(share < 0 for share in levels.values()) or abs(sum(levels.values()) - 1) > 1e-6:
        raise GeneratorError(
            "targets", Problem(f"{name}", "shares must be from 0 up and sum to 1", "write every level's share")
        )
    return {str(level): float(share) for level, share in levels.items()}
