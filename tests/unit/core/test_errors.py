"""Errors: every problem with its remedy, numbered; the nearest known name; a scalar to paste into a protocol."""

import difflib
import random

import pytest
from ruamel.yaml import YAML

from heorsynth.core import errors
from heorsynth.core.errors import CohortError, HeorsynthError, Problem, as_yaml, nearest, unknown_name


def test_an_error_numbers_its_problems_and_tells_each_remedy() -> None:
    error = CohortError("cohort 'a'", [Problem("time", "is empty", "drop it"), Problem("", "has no arm")])
    assert str(error) == (
        "cohort 'a' has 2 problems\n  1. time: is empty\n      fix: drop it\n  2. has no arm"
    )  # fmt: skip
    assert error.problems[0].to_dict() == {"where": "time", "found": "is empty", "fix": "drop it"}


def test_one_problem_is_no_plural_and_none_leaves_the_subject_alone() -> None:
    assert str(CohortError("cohort", Problem("", "is empty"))).startswith("cohort has 1 problem\n")
    assert str(HeorsynthError("nothing to do")) == "nothing to do"


def test_a_notebook_shows_the_message_alone() -> None:
    assert CohortError("cohort", Problem("", "is empty"))._render_traceback_() == [
        "CohortError: cohort has 1 problem\n  1. is empty"
    ]


def test_the_nearest_name_ignores_case_and_many_names_are_cut_to_five() -> None:
    assert nearest("TIME", ["event", "time"]) == "did you mean 'time'?"
    assert nearest("xyz", ["b", "a"]) == "use one of: a, b"
    told = nearest("zz", [f"q{number}" for number in range(13)])
    assert told.startswith("none of the 13 names is close") and told.count("q") == 5


def test_a_long_name_is_cut_where_it_is_told() -> None:
    assert nearest("a" * 70, ["a" * 80]) == f"did you mean '{'a' * 60}…'?"


def test_an_unknown_name_is_told_with_its_kind() -> None:
    assert str(unknown_name("arm", "tretment", ["treatment"])) == (
        "arm 'tretment' is not known: did you mean 'treatment'?"
    )


@pytest.mark.parametrize("text", ["plain", 'a "quoted" one', "back\\slash", "yes", "1: 2"])
def test_a_scalar_of_yaml_means_exactly_the_text(text: str) -> None:
    assert YAML(typ="safe").load(as_yaml(text)) == text


def test_the_closest_names_are_those_of_a_comparison_with_every_name() -> None:
    draws = random.Random(2)

    def text() -> str:
        return "".join(draws.choice("abc_1") for _ in range(draws.randint(0, 8)))

    for _ in range(60):
        wanted, names = text(), sorted({text() for _ in range(draws.randint(0, 40))})
        matcher = difflib.SequenceMatcher(b=wanted)
        scores = []
        for name in names:
            matcher.set_seq1(name)
            scores.append((matcher.ratio(), name))
        assert errors._closest(wanted, names, 5) == sorted(scores, key=lambda one: -one[0])[:5]
