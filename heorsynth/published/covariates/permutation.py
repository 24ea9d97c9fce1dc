"""Which patient of an arm has which follow-up: drawn from the Cox partial likelihood, given both."""

from __future__ import annotations

import numpy as np


def permuted(event: np.ndarray, log_risk: np.ndarray, clocks: np.ndarray, leaving: np.ndarray) -> np.ndarray:
    """Return for each follow-up, from the shortest to the longest, the patient who has it.

    Parameters
    ----------
    event : array of bool (n,)     of the follow-ups in order of time, events before censoring
    log_risk : array (n,)          log relative hazard of each patient
    clocks : array (n,)            standard exponential numbers
    leaving : array (n,)           patients in random order

    Notes
    -----
    At each event the patient is drawn from those still at risk with probability proportional to the relative hazard,
    at each censoring with equal probability. So the partial likelihood of the result is that of the model, and times
    and covariates are those given (the permutation algorithm). The draw among those at risk is the smallest of
    exponential clocks with these rates, which need not be drawn again, because they have no memory.

    References
    ----------
    Sylvestre & Abrahamowicz (2008) Stat Med 27:2618, doi:10.1002/sim.3092.

    Examples
    --------
    >>> permuted(np.array([True, False, True]), np.zeros(3), np.array([3.0, 1.0, 2.0]), np.array([0, 1, 2])).tolist()
    [1, 0, 2]
    """
    dying = np.argsort(clocks * np.exp(-log_risk), kind="stable").tolist()
    losing = leaving.tolist()
    gone = [False] * len(dying)
    found, next_death, next_loss = [], 0, 0
    for is_event in event.tolist():
        if is_event:
            while gone[dying[next_death]]:
                next_death += 1
            patient = dying[next_death]
        else:
            while gone[losing[next_loss]]:
                next_loss += 1
            patient = losing[next_loss]
        gone[patient] = True
        found.append(patient)
    return np.array(found, dtype=np.int64)
