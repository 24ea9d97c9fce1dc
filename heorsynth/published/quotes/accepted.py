"""Whether every number of a file that a language model proposed is quoted, and was accepted by a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from heorsynth.core.errors import Problem
from heorsynth.core.yaml_lines import Path_, line_of
from heorsynth.published.quotes.statements import statements_of
from heorsynth.published.schema.document import Document


def proposal_problems(document: Document, lines: dict[Path_, int]) -> Iterator[Problem]:
    """Yield the facts of a proposed paper file that nobody accepted, and the numbers that no quoted sentence has."""
    proposal = document.proposal
    if proposal is None:
        return
    quotes: dict[str, list[str]] = {}
    for index, one in enumerate(proposal.facts):
        quotes.setdefault(one.fact, []).extend(one.quotes)
        at = ("proposal", "facts", index)
        if not (one.accepted_by or "").strip():
            found = f"the model's proposal of {one.fact!r} was accepted by nobody"
            yield Problem(_where(lines, at), found, "compare it with the paper, and accept it with Proposal.accept")
        elif not is_day(one.accepted_on or ""):
            found = f"the day of the acceptance of {one.fact!r} is missing"
            yield Problem(_where(lines, at), found, "write accepted_on: 2026-11-30")
    for number in statements_of(document):
        if number.fact not in quotes:
            found = f"a number of {number.fact!r} that the proposal does not quote"
            yield Problem(_where(lines, number.at), found, _ADD)
        elif not any(map(number.stands_in, quotes[number.fact])):
            found = f"{number.text} stands in no sentence quoted for {number.fact!r}"
            yield Problem(_where(lines, number.at), found, _ADD)


_ADD = "add the sentence to proposal.facts with accepted_by and accepted_on"


def is_day(text: str) -> bool:
    """Whether a text is a day such as 2026-11-30."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _where(lines: dict[Path_, int], at: Path_) -> str:
    return f"line {line_of(lines, at)}, {'.'.join(map(str, at))}"
