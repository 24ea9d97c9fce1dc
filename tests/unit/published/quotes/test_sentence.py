"""Quoted sentences: what counts as the same text, and as the same number."""

import pytest

from heorsynth.published.quotes.sentence import has_number, visible


def test_a_reader_sees_no_difference_between_forms_of_one_text() -> None:
    forms = [
        "HR 0.62 (0.43-0.89)",
        "HR\u00a00·62\n(0.43–0.89)",
        "H\u200bR 0.62\t(0.43\u22120.89)",
        " HR  0.62 (0.43‐0.89) ",
    ]
    assert len({visible(one) for one in forms}) == 1


@pytest.mark.parametrize(
    ("quote", "number"),
    [
        ("95% CI, 0.43-0.89", "0.89"),
        ("95% CI, 0.43–0.89", "0.43"),
        ("a cost of EUR 12,300 (SD 9,100)", "12,300"),
        ("a cost of 12 300 EUR", "12,300"),
        ("a cost of 12300 EUR", "12,300"),
        ("HR .85", "0.85"),
        ("Sixty-two patients were assigned.", "62"),
        ("Of 100 (34%) patients", "34%"),
        ("a change of −0.12 points", "-0.12"),
        ("the median had not yet been reached", "not reached"),
        ("18.0 (15.1–NE) months", "not reached"),
        ("n=100.", "100"),
        ("18.0mo", "18.0"),
    ],
)
def test_a_number_is_found_in_its_usual_forms(quote: str, number: str) -> None:
    assert has_number(quote, number)


@pytest.mark.parametrize(
    ("quote", "number"),
    [
        ("HR 0.8", "0.80"),
        ("HR 0.80", "0.8"),
        ("12,300 EUR", "300"),
        ("1,204 patients", "204"),
        ("61.2\u00b3 years", "61.23"),
        ("a change of −0.12 points", "0.12"),
        ("the median was reached", "not reached"),
        ("no number", "3"),
        ("version 1.2.3", "2.3"),
    ],
)
def test_another_number_is_not_found(quote: str, number: str) -> None:
    assert not has_number(quote, number)
