"""Draws what a curve does not determine: a particle filter over deaths and losses at every station of an arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heorsynth.published.reconstruction.arm import Arm
from heorsynth.published.reconstruction.stations import Stations

_WIDEST = 12
"""Deaths on either side of the most likely number that are considered at one step, at most."""

_DEATH_BETWEEN = 0.25
"""Prior odds of one more death on a piece of the curve that was clicked as level."""


_UNSEEN = 6.0
"""Clicking errors by which the curve may fall between the last point before a number at risk and its time."""

_TIED = 2.5
"""Log odds of a death on a piece clicked as a vertical step, beside the odds of one more, where one death is seen."""


@dataclass(frozen=True, eq=False)
class Draw:
    """Deaths and losses (l, r) before each station of each run, and the log weight (r,) of the runs."""

    deaths: np.ndarray
    losses: np.ndarray
    weight: np.ndarray
    events_missed: np.ndarray


class Filter:
    """The state of all runs (r, q): patients in follow-up, survival, and losses still to come in the interval."""

    def __init__(self, arm: Arm, at: Stations, rng: np.random.Generator, particles: int = 16) -> None:
        self.arm, self.at, self.rng = arm, at, rng
        self.runs = at.time.shape[1]
        shape = (self.runs, particles)
        self.n = np.full(shape, float(arm.n))
        self.survival = np.ones(shape)
        self.to_lose = np.zeros(shape)
        self.deaths = np.zeros(shape)
        self.weight = np.zeros(shape)
        self.look = np.zeros(shape)
        self.evidence = np.zeros(self.runs)
        self.ahead = np.zeros(shape)
        self.own = np.arange(self.runs * particles).reshape(shape)
        self.slot = self.own.copy()
        self.chance = np.zeros((len(at.time), *shape))
        self.carried = np.ones((len(at.time), *shape))
        self.later, self.later_sd = _later(arm, at)
        spread = arm.n * arm.curve.height_error * 3.0
        self.offsets = (
            np.arange(-1, 2) if spread < 0.5 else np.arange(-(w := int(min(_WIDEST, np.ceil(spread) + 1))), w + 1)
        )

    def run(self) -> Draw:
        at = self.at
        length = len(at.time)
        history = np.zeros((3, length, *self.n.shape), dtype=np.int32)
        everyone = np.arange(self.runs)
        self._start(everyone, np.zeros(self.runs, dtype=int), 0)
        for place in range(length):
            lost = self._lose(place)
            died = self._die(place)
            bound = np.flatnonzero(at.boundary[place])
            if len(bound):
                lost[bound] += self._arrive(bound, at.interval[place, bound])
                if place + 1 < length:
                    self._start(bound, at.interval[place, bound] + 1, place + 1)
            parents = self._resample()
            history[0, place], history[1, place], history[2, place] = died, lost, parents
        return self._chosen(history)

    def _start(self, rows: np.ndarray, interval: np.ndarray, place: int) -> None:
        """Draw how many leave without the event in the interval that begins, from what the curve implies."""
        at, arm = self.at, self.arm
        carried = self._place_losses(rows, interval, place)
        n, s = self.n[rows], self.survival[rows]
        level = at.level[place, rows] * at.remaining[place, rows]
        target = at.leaving[interval][:, None].astype(float)
        free = np.maximum(n - target, 0.0)
        mean = (n * np.minimum(level[:, None] / np.maximum(s, 1e-9), 1.0) - target) / carried
        sd = 0.4 + n * 0.8 * arm.curve.height_error / np.maximum(s, 1e-9) / carried
        if arm.events is not None:
            later, later_sd = self.later[interval][:, None], self.later_sd[interval][:, None]
            wanted = free - (arm.events - self.deaths[rows] - later)
            final = later_sd < 0.1
            both = 1 / (1 / sd**2 + 1 / (later_sd + 0.2) ** 2)
            mean = np.where(final, wanted, both * (mean / sd**2 + wanted / (later_sd + 0.2) ** 2))
            sd = np.where(final, 1e-6, np.sqrt(both))
        losses = np.clip(np.rint(mean + sd * self.rng.standard_normal(n.shape)), 0.0, free)
        wide = np.maximum(sd, 0.3)
        proposed = -0.5 * ((losses - mean) / wide) ** 2 - np.log(wide)
        if arm.events is not None:
            planned = self.deaths[rows] + free - losses
            ahead = -0.5 * ((planned + later - arm.events) / (later_sd + 0.2)) ** 2
            self.weight[rows] += ahead - self.ahead[rows]
            self.ahead[rows] = ahead
            proposed = np.where(final, 0.0, proposed)
        self.weight[rows] -= proposed
        self.to_lose[rows] = losses
        self.look[rows] = 0.0

    def _place_losses(self, rows: np.ndarray, interval: np.ndarray, place: int) -> np.ndarray:
        """Draw the law of the losses' times in an interval; return the mean of the curve's later fall over it.

        A loss at position u of the interval, 0 to 1, has the distribution ((u - a) / (1 - a))^k. In the last interval
        some of the losses stand at its end.
        """
        at, rng = self.at, self.rng
        shape = (len(rows), self.n.shape[1])
        late = (interval == len(at.leaving) - 1)[:, None]
        power = np.exp(np.where(late, 0.4, 0.35) * rng.standard_normal(shape))
        begins = np.where(late, rng.uniform(0.0, 0.95, shape), 0.0)
        steady = np.where(late, rng.beta(1.0, 5.0, shape), 0.0)
        at_end = np.where(late & (rng.uniform(size=shape) < 0.3), rng.uniform(size=shape), 0.0)
        stop = place + int((at.interval[place:, rows] == interval).sum(axis=0).max())
        inside = (at.interval[place:stop, rows] == interval)[..., None]
        share = np.where(inside, at.share[place:stop, rows][..., None], 1.0)
        law = (1 - steady) * np.clip((share - begins) / (1 - begins), 0.0, 1.0) ** power + steady * share
        level = np.where(inside, at.level[place:stop, rows][..., None], 0.0)
        density = np.diff(law, axis=0, prepend=0.0) * np.maximum(level, 1e-6)
        whole = density.sum(axis=0)
        ends = np.where(late, at_end * np.maximum(level, 1e-6).min(axis=0, where=inside, initial=1.0), 0.0)
        whole = (1 - at_end) * whole + ends
        placed = np.minimum((1 - at_end) * density.cumsum(axis=0) / np.maximum(whole, 1e-12), 1.0)
        placed = np.where(inside & at.boundary[place:stop, rows][..., None], 1.0, placed)
        ratio = np.where(inside, at.remaining[place:stop, rows][..., None], 1.0)
        before = np.concatenate([np.zeros((1, *shape)), placed[:-1]])
        pieces = np.maximum(placed - before, 0.0)
        chance = pieces / np.maximum(1 - before, 1e-9)
        mass = (pieces * ratio)[::-1].cumsum(axis=0)[::-1] + (1 - placed[-1])
        after = np.concatenate([mass[1:], (1 - placed[-1])[None]]) / np.maximum(1 - placed, 1e-9)
        index = np.ix_(np.arange(place, stop), rows)
        self.chance[index] = np.where(inside, np.clip(chance, 0.0, 1.0), self.chance[index])
        self.carried[index] = np.where(inside, np.where(placed < 1 - 1e-9, after, 1.0), self.carried[index])
        self.slot[rows] = self.own[rows]
        return np.maximum(mass[0], 0.02)

    def _lose(self, place: int) -> np.ndarray:
        """Losses between the station before and this one, by the law of the losses' times in the interval."""
        chance = self.chance[place].take(self.slot)
        lost = self.rng.binomial(self.to_lose.astype(np.int64), chance)
        self.n -= lost
        self.to_lose -= lost
        return lost

    def _die(self, place: int) -> np.ndarray:
        """Deaths between the station before and this one, by the clicked height and what is still to come.

        The logarithm of the chance of o deaths is a quadratic function of o: of the height after them, of the deaths
        still to come, and of the prior.
        """
        at, error = self.at, self.arm.curve.height_error
        point = ~at.boundary[place][:, None]
        height = np.where(point, at.height[place][:, None], at.level[place][:, None])
        n, s = np.maximum(self.n, 1.0), np.maximum(self.survival, 1e-12)
        left = np.maximum(self.n - self.to_lose - at.leaving[at.interval[place]][:, None], 0.0)
        centre = np.clip(np.rint(n * (1 - height / s)), 0.0, left)
        fall, above = s / n / error, (s - height) / error
        seen = np.clip((fall - 1) / 3, 0.0, 1.0)
        hidden = 1.0 if place + 1 == len(at.time) else np.clip((fall - 1.5) / 2, 0.0, 1.0)
        prior = np.where(at.vertical[place][:, None], -seen, 2 * np.log(_DEATH_BETWEEN) * hidden)
        gap, ratio = self._lookahead(place, left)
        square = -0.5 * (fall**2 + ratio**2)
        linear = above * fall + gap * ratio + prior
        constant = -0.5 * (above**2 + gap**2)
        score = square[..., None] * self.offsets**2 + (2 * square * centre + linear)[..., None] * self.offsets
        options = centre[..., None] + self.offsets
        score += (_TIED * seen * at.vertical[place][:, None])[..., None] * (options > 0)
        score[(options < 0) | (options > left[..., None])] = -1e9
        top = score.max(axis=-1)
        sums = np.exp(score - top[..., None]).cumsum(axis=-1)
        total = sums[..., -1]
        pick = (sums < (self.rng.uniform(size=total.shape) * total)[..., None]).sum(axis=-1)
        died = np.clip(centre + self.offsets[np.minimum(pick, len(self.offsets) - 1)], 0.0, left)
        gained = np.log(total) + top + (square * centre + linear) * centre + constant - self.look
        unseen = left * fall <= _UNSEEN
        closing = left * unseen
        price = 2 * np.log(_DEATH_BETWEEN) * hidden * closing - 0.5 * (closing * fall / 2) ** 2
        died = np.where(point, died, closing)
        self.weight += np.where(point, np.maximum(gained, -200.0), price)
        self.look = np.where(point, -0.5 * (gap - died * ratio) ** 2, self.look)
        self.survival = self.survival * (1 - died / n)
        self.n = self.n - died
        self.deaths = self.deaths + died
        return died

    def _lookahead(self, place: int, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far the deaths still to come exceed those that the curve's fall implies, in standard deviations.

        Before any death here, and what each death takes off.
        """
        at, arm = self.at, self.arm
        ratio = at.remaining[place][:, None]
        expected = self.n * (1 - ratio) - self.to_lose * (1 - self.carried[place].take(self.slot))
        error = self.n * (arm.curve.height_error / np.maximum(at.level[place][:, None], 1e-3))
        sd = 0.35 + error * np.sqrt(np.clip(expected / 3, 0.0, 1.0))
        return (left - expected) / sd, ratio / sd

    def _arrive(self, rows: np.ndarray, interval: np.ndarray) -> np.ndarray:
        """Make the number at risk exact: deaths that were planned and would be seen are losses."""
        target = self.at.leaving[interval][:, None]
        gap = self.n[rows] - target
        self.weight[rows] -= 3.0 * np.abs(gap) + 50.0 * np.maximum(-gap, 0.0)
        self.weight[rows] -= self.look[rows]
        self.n[rows] = np.broadcast_to(target, gap.shape)
        self.to_lose[rows] = 0.0
        return np.maximum(gap, 0.0).astype(int)

    def _resample(self) -> np.ndarray:
        """Parents (r, q) of the next particles: drawn within each run where the weights have become uneven."""
        top = self.weight.max(axis=1, keepdims=True)
        chance = np.exp(self.weight - top)
        total = chance.sum(axis=1)
        q = chance.shape[1]
        uneven = total**2 < 0.5 * q * (chance**2).sum(axis=1)
        parents = np.broadcast_to(np.arange(q), chance.shape)
        if not uneven.any():
            return parents
        rows = np.flatnonzero(uneven)
        edges = np.cumsum(chance[rows], axis=1) / total[rows, None]
        grid = (np.arange(q) + self.rng.uniform(size=(len(rows), 1))) / q
        found = (edges[:, None, :] < grid[:, :, None]).sum(axis=2)
        parents = parents.copy()
        parents[rows] = np.minimum(found, q - 1)
        self.evidence[rows] += np.log(total[rows] / q) + top[rows, 0]
        self.weight[rows] = 0.0
        flat = self.own[:, :1] + parents
        for name in ("n", "survival", "to_lose", "deaths", "look", "slot", "ahead"):
            setattr(self, name, getattr(self, name).take(flat))
        return parents

    def _chosen(self, history: np.ndarray) -> Draw:
        """One particle of each run, with its whole past."""
        weight = self.weight - self.look
        missed = np.zeros_like(self.deaths)
        if self.arm.events is not None:
            missed = self.arm.events - self.deaths
            weight = weight - 30.0 * np.abs(missed)
        top = weight.max(axis=1, keepdims=True)
        noise = self.rng.gumbel(size=weight.shape)
        place = np.argmax(weight + noise, axis=1)
        evidence = self.evidence + top[:, 0] + np.log(np.exp(weight - top).mean(axis=1))
        runs = np.arange(self.runs)
        end = place
        died, lost = np.zeros((2, history.shape[1], self.runs), dtype=int)
        for at in range(history.shape[1] - 1, -1, -1):
            place = history[2, at, runs, place]
            died[at], lost[at] = history[0, at, runs, place], history[1, at, runs, place]
        return Draw(died, lost, evidence, missed[runs, end])


def _later(arm: Arm, at: Stations) -> tuple[np.ndarray, np.ndarray]:
    """Deaths after each interval that the cleaned curve implies, and their standard deviation."""
    k = len(at.leaving)
    ends = np.array([np.where(at.interval == number, at.level, np.inf).min() for number in range(k)])
    ends = np.where(np.isfinite(ends), ends, arm.curve.level[-1])
    starts = np.append(1.0, ends[:-1])
    n = arm.at_risk.astype(float)
    first = [np.flatnonzero(at.interval[:, 0] == number) for number in range(k)]
    carried = np.array([max(at.carried[f[0], 0], 0.02) if len(f) else 1.0 for f in first])
    ratio = np.minimum(ends / np.maximum(starts, 1e-9), 1.0)
    lost = np.clip((n * ratio - at.leaving) / carried, 0.0, np.maximum(n - at.leaving, 0.0))
    deaths = np.maximum(n - at.leaving, 0.0) - lost
    sd = 0.5 + 0.8 * n * arm.curve.height_error / np.maximum(starts, 1e-3)
    sd[-1] += 0.2 * deaths[-1]
    later = np.append(np.cumsum(deaths[::-1])[::-1][1:], 0.0)
    later_sd = np.sqrt(np.append(np.cumsum((sd**2)[::-1])[::-1][1:], 0.0))
    return later, later_sd
