"""Evidence as a run writes it: the same verdicts and answers, and no more of the real estimates than is shown."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.checks.core.finding import NOT_ESTIMABLE, SINGLE, Finding, Held
from heorsynth.checks.core.groups import ALL, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Question
from heorsynth.checks.core.scalar import Measured, cap_margin_at_effect
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.planning.catalogue import ESTIMANDS, borne_out
from heorsynth.core.disclosure import RULES
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.finding_text import cells
from heorsynth.evidence.publish import published

KEYS = {"absolute": "costs.zero_share", "relative": "costs.mean", "ratio": "survival.hazard_ratio"}


@pytest.fixture(scope="module")
def everyone() -> Group:
    cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    return Group("all", ALL, cohort, (cohort,) * 8)


def made(group: Group, scale: str, rng: np.random.Generator, use: str = "pooled") -> Finding:
    """A random finding: near its margin, of effects near 0 and far from it."""
    real, own = float(rng.normal(0, 5)), float(rng.uniform(0.1, 3))
    if scale == "relative":
        real = abs(real) + 0.5
    width = float(rng.uniform(0.05, 0.4)) if scale == "relative" else float(rng.uniform(0.05, 4) * own)
    unit = abs(real) if scale == "relative" else 1.0
    drawn = real + unit * width * rng.choice([0.0, 0.9, 1.0, 1.1, -1.0, 2.0]) + rng.normal(0, own * 0.2, 8)
    margin = Margin(scale, width)
    if scale == "ratio":
        margin = cap_margin_at_effect(margin, real, own**2)
    key = KEYS[scale]
    standing = Standing(frozenset({key}), {}, frozenset(), use)
    question = Question(ESTIMANDS[key], key, group, margin, standing)
    return question.compare(Measured(real, own**2, drawn.tolist(), [own**2] * 8), log=scale == "ratio").stable


def evidences(group: Group, use: str) -> list[Evidence]:
    rng = np.random.default_rng(7)
    found = []
    for place in range(200):
        scales = [scale for scale in list(KEYS)[: 1 + place % 3] for _ in range(1 + place % 2)]
        findings = [made(group, scale, rng, use) for scale in scales]
        found.append(Evidence.of("teaching", findings, m=8, n_rows=60, n_source=60))
    return found


@pytest.mark.parametrize("use", ["pooled", SINGLE])
def test_rounding_changes_no_verdict_no_answer_and_contradicts_none(everyone: Group, use: str) -> None:
    several = set()
    for exact in evidences(everyone, use):
        shown = published(exact)
        several.add(shown.verdict)
        assert shown.verdict == exact.verdict and shown.answers == exact.answers
        assert [one.verdict for one in shown.findings] == [one.verdict for one in exact.findings]
        assert all(map(borne_out, shown.findings))
        assert [one.sufficient for one in shown.findings] == [one.sufficient for one in exact.findings]
        again = Evidence.from_dict(json.loads(json.dumps(shown.to_dict())))
        assert again.verdict == exact.verdict and again.to_csv() == shown.to_csv()
    assert several >= ({"fit", "not fit", "inconclusive"} if use == "pooled" else {"not fit", "inconclusive"})


def test_two_evidences_with_the_same_published_estimate_publish_the_same_numbers(everyone: Group) -> None:
    """Real estimates that differ by a hundredth of their error: nothing that is written tells which of them it was."""
    synthetic = [10.0, 10.4, 9.9, 10.2, 10.1, 10.3, 9.8, 10.05]
    standing = Standing(frozenset({"costs.mean"}), {}, frozenset(), "pooled")
    for scale, width in (("relative", 0.3), ("absolute", 3.0), ("ratio", 0.3)):
        question = Question(ESTIMANDS["costs.mean"], "mean", everyone, Margin(scale, width), standing)
        told = []
        for real in (9.98, 9.99, 10.01, 10.02):
            finding = question.compare(Measured(real, 0.98**2 + real / 1e3, synthetic, [1.0] * 8)).stable
            one = published(Evidence.of("teaching", [finding], m=8, n_rows=60, n_source=60)).findings[0]
            told.append(json.dumps({**one.to_dict(), "overlap": 0, "single": 0}))
        assert len(set(told)) == 1, told


def test_the_difference_follows_from_the_published_estimates(everyone: Group) -> None:
    rng = np.random.default_rng(11)
    for scale in ("absolute", "relative"):
        for _ in range(60):
            exact = made(everyone, scale, rng)
            (one,) = published(Evidence.of("teaching", [exact], m=8, n_rows=60, n_source=60)).findings
            unit = abs(one.real) if scale == "relative" else 1.0
            moved = not math.isclose(one.difference, (one.synthetic - one.real) / unit, rel_tol=1e-6, abs_tol=1e-9)
            assert not moved or abs(abs(one.difference) - one.margin) < 0.11 * one.margin, "only to the margin's edge"
            assert one.real == float(f"{one.real:.3g}") and one.real != exact.real


def test_a_margin_that_is_capped_at_the_real_effect_does_not_state_it(everyone: Group) -> None:
    rng = np.random.default_rng(5)
    capped = [one for one in (made(everyone, "ratio", rng) for _ in range(200)) if one.own_margin]
    assert len(capped) > 5
    for exact in capped:
        (one,) = published(Evidence.of("teaching", [exact], m=8, n_rows=60, n_source=60)).findings
        assert one.margin == pytest.approx(abs(math.log(one.real)), rel=1e-5) and one.margin != exact.margin


def test_a_share_of_few_or_of_all_but_few_is_that_of_two_and_a_half(everyone: Group) -> None:
    standing = Standing(frozenset(), {}, frozenset(), "pooled")
    question = Question(ESTIMANDS["costs.zero_share"], "zeros", everyone, Margin("absolute", 0.1), standing)
    told = set()
    for count in (1, 2, 3, 4):
        share = count / 60
        asked = replace(question, held=Held(count=count, of=60))
        finding = asked.compare(Measured(share, share * (1 - share) / 60, [share, share + 0.001], [0.1, 0.1]))
        (one,) = published(Evidence.of("teaching", [finding], m=2, n_rows=60, n_source=60)).findings
        told.add((one.real, one.real_lower, one.floor, one.synthetic))
    assert len(told) == 1 and next(iter(told))[0] == pytest.approx(2.5 / 60, rel=1e-3)


def test_a_finding_on_few_has_no_number_of_them_and_others_are_in_fives(everyone: Group) -> None:
    standing = Standing(frozenset(), {}, frozenset(), "pooled")
    question = Question(ESTIMANDS["costs.mean"], "mean", everyone, Margin("relative", 0.1), standing)
    findings = [replace(question, n_real=count).refuse("too few") for count in (2, 4, 57)]
    shown = published(Evidence.of("teaching", findings, m=2, n_rows=60, n_source=60)).findings
    assert [one.n_real for one in shown] == [None, None, 55]
    assert [cells(one)[7] for one in shown] == ["<5", "<5", "55"]
    told = json.loads(json.dumps(shown[0].to_dict()))
    assert told["n_real"] is None
    assert Finding.from_dict(told).n_real is None
    assert shown[0].patients_needed == 0
    assert {one.verdict for one in shown} == {NOT_ESTIMABLE}


def test_quantiles_of_a_real_validation_are_no_patients_value() -> None:
    cohort, _ = hs.datasets.simulated_trial(150, seed=4)
    drawn = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=3, seed=1)
    margins = {"costs.quantile": {"quantile": [0.5, 0.9, 0.99], "relative": 0.2}, "survival.reach": {"relative": 0.2}}
    exact = hs.validate(cohort, drawn, purpose="software-testing", margins=margins, seed=1).stable
    shown = published(exact)
    pairs = [(one, other) for one, other in zip(exact.findings, shown.findings, strict=True)
             if one.key in ("costs.quantile", "survival.reach") and one.verdict != NOT_ESTIMABLE]  # fmt: skip
    assert len(pairs) > 8
    values = {f"{value:.9g}" for name in ("cost", "time") for value in cohort.column(name)}
    for one, other in pairs:
        assert math.isfinite(one.held.real) and f"{other.real:.9g}" not in values
        error = RULES.spread((one.real_upper - one.real_lower) / 3.29)
        assert abs(other.real - one.held.real) <= max(error, one.held.error) / 4 * 1.3
    assert "held" not in json.dumps(exact.to_dict())
