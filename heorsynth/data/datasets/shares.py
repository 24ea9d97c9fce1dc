"""Problems of the shares in a law of simulated patients."""

import math
from collections.abc import Iterable, Mapping

from heorsynth.core.errors import Problem


def share_problems(shares: Mapping[str, Iterable[float]], parts: str) -> list[Problem]:
    """Return a problem for each entry with a share outside 0 to 1, and for `parts` if they do not add up to 1."""
    found = [
        Problem(name, "a share lies outside 0 to 1", "give shares between 0 and 1")
        for name, given in shares.items()
        if not all(0 <= share <= 1 for share in given)
    ]
    if not math.isclose(sum(shares[parts]), 1.0, abs_tol=1e-9):
        found.append(Problem(parts, f"add up to {sum(shares[parts]):g}", "make them add up to 1"))
    return found
