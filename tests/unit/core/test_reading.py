"""JSON that a stranger may have written: plain data, or an error that tells none of it."""

from dataclasses import dataclass

import pytest

from heorsynth.core.reading import json_of, typed


@dataclass
class Visit:
    day: int
    site: str = "A"


def test_json_is_read_from_text_and_from_bytes() -> None:
    assert json_of('{"a": [1, 2.5]}') == json_of(b'{"a": [1, 2.5]}') == {"a": [1, 2.5]}


@pytest.mark.parametrize("text", ["{", b"\xff\xfe{}", ""])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        json_of(text)


def test_facts_make_the_dataclass_they_claim_to_be() -> None:
    assert typed(Visit, {"day": 3}) == Visit(3, "A")


@pytest.mark.parametrize("facts", [{}, {"day": "3"}, {"day": 3.5}, {"day": 3, "site": 4}, [3], {"day": {3}}])
def test_facts_of_another_type_are_refused_and_not_told(facts: object) -> None:
    with pytest.raises(ValueError, match=r"^not a Visit$"):
        typed(Visit, facts)
