"""The anchored indirect comparison of Bucher."""

from __future__ import annotations

import math

from heorsynth.core.estimate import Estimate


def bucher(first: Estimate, second: Estimate, *, level: float = 0.95) -> Estimate:
    """Return the effect of A against C from A against B and C against B.

    Parameters
    ----------
    first : Estimate      effect of A against the anchor B, on an additive scale such as the log hazard ratio
    second : Estimate     effect of C against B, of other patients, on the same scale
    level : float         confidence level

    Returns
    -------
    Estimate              d_AC = d_AB - d_CB, with variance v_AB + v_CB

    See Also
    --------
    heorsynth.published.indirect_comparison : from cohorts

    Notes
    -----
    The two effects come from different patients, so they are independent. The comparison is valid if the effects would
    be the same in the other trial's population: no effect modifier is distributed differently.

    References
    ----------
    Bucher, Guyatt, Griffith & Walter (1997) J Clin Epidemiol 50:683, doi:10.1016/S0895-4356(97)00049-8.

    Examples
    --------
    >>> bucher(Estimate.normal(-0.4, 0.3), Estimate.normal(-0.1, 0.4))
    -0.3 (95% interval -1.28 to 0.68)
    """
    se = math.sqrt(first.se**2 + second.se**2)
    used, total = first.n_used + second.n_used, first.n_total + second.n_total
    method = "anchored indirect comparison (Bucher)"
    return Estimate.normal(
        first.value - second.value, se, level=level, unit=first.unit, method=method, n_used=used, n_total=total
    )
