"""Published subgroup effects hold in the patients, who keep their covariates and follow-up."""

import numpy as np
import pytest

from heorsynth.published.covariates.assign import assigned
from heorsynth.published.covariates.columns import Column
from heorsynth.published.covariates.copula import draw
from heorsynth.published.covariates.prior import Prior
from heorsynth.published.covariates.subgroup_facts import FollowUps, SubgroupFact, log_ratio

SEX = Column("sex", levels=("female", "male"), counts={arm: ((60, 60), (90, 90)) for arm in "ab"})
STAGE = Column("stage", levels=("I", "II", "III"), counts={arm: ((50, 50), (60, 60), (40, 40)) for arm in "ab"})


def test_ratios_and_events_of_subgroups_are_met() -> None:
    rng, columns = np.random.default_rng(1), (SEX, STAGE)
    rows = {}
    for arm, scale in (("a", 10.0), ("b", 14.0)):
        time = np.sort(np.ceil(scale * rng.exponential(size=150) * 10) / 10)
        rows[arm] = time, (rng.uniform(size=150) < 0.7).astype(int)
    deaths = int(0.4 * rows["a"][1].sum()) + 6
    facts = [
        SubgroupFact("women", "b", "a", ((0, "female"),), 0.55, 0.005, {"a": deaths}),
        SubgroupFact("stage III", "b", "a", ((1, "III"),), 1.10, 0.005, {}),
    ]
    prior = Prior()
    effects = prior.effects([2, 3], ["a", "b"], rng)
    drawn = draw(columns, {"a": 150, "b": 150}, [], prior, rng)
    found = assigned(rows, drawn, columns, effects, facts, rng)
    both = np.concatenate([found["b"], found["a"]])
    time, event = (np.concatenate([rows["b"][part], rows["a"][part]]) for part in (0, 1))
    order, treated = np.argsort(time, kind="stable"), np.repeat([True, False], 150)
    follow = FollowUps(time[order], event[order] > 0, treated[order])
    for fact in facts:
        ratio = np.exp(log_ratio(follow, fact.members(both, columns)[order]))
        assert ratio == pytest.approx(fact.value, abs=fact.half)
    assert ((found["a"][:, 0] == 0) & (rows["a"][1] > 0)).sum() == deaths
    for arm in "ab":
        assert np.array_equal(np.sort(found[arm], axis=0), np.sort(drawn.values[arm], axis=0))


def test_the_drawn_effect_is_found_again_beside_published_ratios() -> None:
    """A strong effect of a number survives the exchanges that meet a ratio: its rank correlation with time remains."""
    rng = np.random.default_rng(3)
    score = Column("score")
    rows = {arm: (np.sort(rng.exponential(size=150)), np.ones(150, dtype=int)) for arm in "ab"}
    values = {arm: np.column_stack([np.repeat([0.0, 1.0], [60, 90]), rng.normal(size=150)]) for arm in "ab"}
    drawn = draw((SEX,), {"a": 150, "b": 150}, [], Prior(), rng)
    drawn = type(drawn)(values, np.eye(2), ("", ""))
    effects = type(Prior().effects([2, 0], ["a"], rng))({arm: [np.zeros(2), np.array([1.0])] for arm in "ab"})
    fact = SubgroupFact("women", "b", "a", ((0, "female"),), 0.70, 0.005, {})
    free, held = (assigned(rows, drawn, (SEX, score), effects, facts, rng) for facts in ([], [fact]))
    slopes = [np.corrcoef(np.arange(150), one["a"][:, 1])[0, 1] for one in (free, held)]
    assert slopes[0] < -0.5
    assert slopes[1] == pytest.approx(slopes[0], abs=0.15)  # two draws of one law differ by 0.05 to 0.1
