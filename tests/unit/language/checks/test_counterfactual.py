"""The same facts with another sex: templates differ by their words alone, and a planted difference is found."""

import pytest

import heorsynth as hs
from heorsynth.core.errors import LabelError, RoleError, TextError
from heorsynth.language.checks.counterfactual import compared_pairs, counterfactual


def named(findings: object, check: str) -> object:
    return next(one.estimate for one in findings if one.check == check)


def test_templates_tell_the_same_facts_of_both_sexes(synthetic: "hs.Cohort") -> None:
    held = counterfactual(synthetic, "sex")
    assert held.levels == ("f", "m") and len(held.first) == synthetic.n
    assert held.first[0].replace("woman", "man") != held.first[0] or "female" in held.first[0]
    for check in ("pairs: words", "pairs: tone", "pairs: facts stated"):
        estimate = named(held.findings, check)
        assert estimate.low <= 0 <= estimate.high, check


def test_a_planted_difference_of_tone_and_length_is_found(synthetic: "hs.Cohort") -> None:
    held = counterfactual(synthetic, "sex")
    worse = [f"{text} Sadly, a poor course." if at % 4 else text for at, text in enumerate(held.second)]
    findings = compared_pairs(held.first, worse)
    assert named(findings, "pairs: words").low > 0 and named(findings, "pairs: tone").high < 0


def test_patients_other_levels_and_single_texts_are_refused(real: "hs.Cohort", synthetic: "hs.Cohort") -> None:
    with pytest.raises(LabelError):
        counterfactual(real, "sex")
    with pytest.raises(RoleError, match="give two of its levels"):
        counterfactual(synthetic, "sex", levels=("f", "x"))
    with pytest.raises(TextError, match="give pairs"):
        compared_pairs(["a"], ["b", "c"])
