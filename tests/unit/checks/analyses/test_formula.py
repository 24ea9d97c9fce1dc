"""A formula is read without running it, and what it cannot have is named."""

import pytest

from heorsynth.checks.analyses.formula import ReadFormula, read_formula
from heorsynth.core.errors import Problem


def test_a_formula_gives_its_outcome_columns_and_terms() -> None:
    read = read_formula("cost ~ `age group` * sex + I(age > 60.5) + 0")
    assert isinstance(read, ReadFormula)
    assert (read.outcome, read.columns) == ("cost", ("age group", "sex", "age"))
    assert "sex" in read.names and any(":" in name for name in read.names)


@pytest.mark.parametrize(
    "text",
    [
        "os",
        "~ trt",
        "os ~ ",
        "os ~ trt ~ age",
        "os ~ trt +",
        "os ~ trt.__class__",
        "os ~ __import__('os')",
        "os ~ open(trt)",
        "os ~ (lambda: trt)()",
        "os ~ trt[0]",
        "os ~ log(log)(trt)",
    ],
)
def test_a_text_that_is_no_formula_or_could_run_code_is_a_problem(text: str) -> None:
    assert isinstance(read_formula(text), Problem)
