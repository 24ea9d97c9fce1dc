"""An analysis is refused with what is wrong and how to mend it, before any result."""

import pytest

import heorsynth as hs
from heorsynth.core.errors import AnalysisError


@pytest.mark.parametrize(
    ("settings", "where", "fix"),
    [
        ({"model": "coks", "formula": "os ~ trt"}, "model", "did you mean 'cox'?"),
        ({"model": "cox", "formula": "os ~ trt", "focus": ["trd"]}, "focus", "did you mean 'trt'?"),
        ({"model": "cox", "formula": "os"}, "formula", "write for example"),
        ({"model": "cox", "formula": "os ~ 1"}, "formula", "add the terms"),
        ({"model": "cox", "formula": "os ~ trt", "level": 5}, "level", "0.05"),
        ({"model": "cox", "formula": "os ~ trt", "margin": -1}, "margin", "margin=1"),
        ({"model": "cox", "formula": "os ~ trt", "horizon": 5}, "horizon", "leave it out"),
        ({"model": "cox", "formula": "os ~ trt", "call": "a.py:f"}, "call", "leave it out"),
        ({"model": "call", "call": "a.txt"}, "call", "file.py:function"),
    ],
)
def test_a_wrong_setting_is_named_with_its_fix(settings: dict, where: str, fix: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        hs.Analysis("primary", **settings)
    (problem,) = caught.value.problems
    assert problem.where == where and fix in problem.fix


def test_an_unknown_key_gets_the_nearest_one() -> None:
    with pytest.raises(AnalysisError, match="did you mean 'formula'"):
        hs.Analysis.of({"name": "a", "model": "cox", "formla": "os ~ trt"})


def test_an_interaction_may_be_named_in_either_order_and_by_level() -> None:
    analysis = hs.Analysis("a", model="ols", formula="cost ~ sex*trt", focus=["trt:sex", "sex[T.m]"])
    assert analysis.focus == ("trt:sex", "sex[T.m]")
