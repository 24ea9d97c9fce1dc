"""Guyot's algorithm, written as published: the reference that the ensemble is measured against."""

from __future__ import annotations

import numpy as np

from heorsynth.published.reconstruction.arm import ArmPatients

_MOST_ROUNDS = 200
"""Corrections of the number of losses in one interval, at most."""


def guyot(
    time: np.ndarray,
    survival: np.ndarray,
    at_risk_time: np.ndarray,
    at_risk: np.ndarray,
    events: int | None = None,
) -> ArmPatients:
    """Return one set of patients by the algorithm of Guyot et al.

    Parameters
    ----------
    time, survival : array (k,)          the curve from (0, 1): time ascending, survival never rising
    at_risk_time, at_risk : array (g,)   numbers at risk, the first at time 0
    events : int, optional               total number of events

    Returns
    -------
    ArmPatients

    Notes
    -----
    In each interval between numbers at risk the losses are spread evenly over time, and the deaths at each point are
    d_k = n_k (1 - S_k / S_last), with S_last the reconstructed survival at the point with the last death. The number of
    losses is corrected until the number at risk at the end of the interval is the published one. In the last interval
    the rate of losses is that of the intervals before; with a total number of events, the number of losses is
    corrected until the events of the whole arm agree with it.

    References
    ----------
    Guyot, Ades, Ouwens & Welton (2012) BMC Med Res Methodol 12:9, doi:10.1186/1471-2288-12-9.

    Examples
    --------
    >>> found = guyot(np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.75, 0.5]), np.array([0.0]), np.array([4]))
    >>> found.time.tolist(), found.event.tolist()
    ([1.0, 2.0, 2.0, 2.0], [1, 1, 0, 0])
    """
    first = np.searchsorted(time, at_risk_time, side="left")
    kept = first < len(time)
    first, at_risk_time, at_risk = first[kept], at_risk_time[kept], at_risk[kept]
    last = np.append(first[1:] - 1, len(time) - 1)
    state = _State(time, survival, float(at_risk[0]))
    n_intervals = len(first)
    for number in range(n_intervals - 1):
        state.fit(first[number], last[number], at_risk_time[number + 1], float(at_risk[number + 1]))
    final = n_intervals - 1
    if n_intervals > 1:
        span = time[-1] - at_risk_time[final]
        before = at_risk_time[final] - at_risk_time[0]
        guess = min(round(state.lost.sum() * span / before), int(at_risk[final]))
    else:
        guess = 0
    state.last_interval(first[final], last[final], guess, events)
    return state.patients()


class _State:
    """Deaths, losses and patients at risk at each point of the curve, interval by interval."""

    def __init__(self, time: np.ndarray, survival: np.ndarray, n: float) -> None:
        self.time, self.survival = time, survival
        self.died, self.lost = np.zeros(len(time)), np.zeros(len(time))
        self.n = np.full(len(time) + 1, n)
        self.height = 1.0

    def pass_through(self, start: int, stop: int, end: float, losses: int) -> float:
        """Spread the losses evenly, take the deaths from the curve; return the survival at the last death."""
        spread = self.time[start] + np.arange(1, losses + 1) * (end - self.time[start]) / (losses + 1)
        edges = np.append(self.time[start : stop + 1], end)
        self.lost[start : stop + 1] = np.histogram(spread, edges)[0] if end > self.time[start] else 0
        height = self.height
        for place in range(start, stop + 1):
            n = self.n[place]
            died = round(n * (1 - self.survival[place] / height)) if place > 0 and height > 0 else 0
            self.died[place] = min(max(died, 0), n)
            if self.died[place] > 0:
                height *= 1 - self.died[place] / n
            self.n[place + 1] = max(n - self.died[place] - self.lost[place], 0.0)
        return height

    def fit(self, start: int, stop: int, end: float, target: float) -> None:
        """Correct the losses of an interval until its end has the published number at risk."""
        if stop < start:
            return
        losses = max(round(self.n[start] * self.survival[stop] / max(self.survival[start], 1e-9) - target), 0)
        for _ in range(_MOST_ROUNDS):
            height = self.pass_through(start, stop, end, int(losses))
            gap = self.n[stop + 1] - target
            if gap == 0 or (losses == 0 and gap < 0):
                break
            losses = max(losses + int(gap), 0)
        self.n[stop + 1] = target if gap > 0 else self.n[stop + 1]
        self.height = height

    def last_interval(self, start: int, stop: int, losses: int, events: int | None) -> None:
        """The interval after the last number at risk; its losses are corrected by the total number of events."""
        end = float(self.time[stop])
        earlier = self.died[:start].sum()
        if events is not None and earlier >= events:
            self.died[start:], self.lost[start:] = 0, 0
            self.n[start + 1 :] = self.n[start]
            return
        for _ in range(_MOST_ROUNDS):
            self.pass_through(start, stop, end, losses)
            if events is None:
                break
            gap = int(earlier + self.died[start:].sum() - events)
            if gap == 0 or (losses == 0 and gap < 0):
                break
            losses = int(min(max(losses + gap, 0), self.n[start]))

    def patients(self) -> ArmPatients:
        """Deaths at their point, losses in the middle of their piece, the rest at the end of the curve."""
        middle = (self.time + np.append(self.time[1:], self.time[-1])) / 2
        died, lost = self.died.astype(int), self.lost.astype(int)
        rest = max(int(self.n[0]) - died.sum() - lost.sum(), 0)
        time = np.concatenate([np.repeat(self.time, died), np.repeat(middle, lost), np.full(rest, self.time[-1])])
        event = np.repeat([1, 0], [died.sum(), lost.sum() + rest])
        return ArmPatients(time[: int(self.n[0])], event[: int(self.n[0])])
