"""`propose_paper`: a paper file proposed by a language model from the text of a paper."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from heorsynth.core.errors import PaperError, Problem, ProposalError
from heorsynth.core.yaml_lines import Path_
from heorsynth.language.models.model import Model
from heorsynth.language.models.prompts import PublishedText, Template
from heorsynth.language.proposals.answer import answer_schema, document_of, file_and_quotes
from heorsynth.language.proposals.proposal import Proposal, ProposedFact
from heorsynth.published.consistency.contradiction import IMPOSSIBLE
from heorsynth.published.consistency.contradictions import contradictions_of
from heorsynth.published.paper.files import endpoint_data
from heorsynth.published.quotes.sentence import visible
from heorsynth.published.quotes.statements import Statement, statements_of
from heorsynth.published.schema.document import Document

_RULES = """\
Read the text of a published trial. Answer with one JSON object and nothing else. It has two keys.
"file" holds what the text states: arms, endpoints, Table 1, costs, utilities, correlations. Write each number as text,
with exactly the digits that are printed. Leave out what the text does not state, and never compute a number. A source
is {{"section": "Abstract"}}, {{"table": "1"}}, {{"figure": "2"}} or {{"page": "5"}}.
"quotes" holds the sentences or table rows that state the numbers, copied letter by letter from the text. "path" is the
place in "file", such as "endpoints.os.medians.arms.drug"; a quote of a section holds all numbers below it.
The answer follows this JSON schema:
"""

_TEMPLATE = Template(
    "paper", _RULES + json.dumps(answer_schema(), ensure_ascii=False).replace("{", "{{").replace("}", "}}") + "\n{text}"
)

_UNITS = {
    "day": r"days?|d",
    "week": r"weeks?|wks?",
    "month": r"months?|mos?",
    "year": r"years?|yrs?|y",
}
"""How a text writes the units of time."""


def propose_paper(
    text: str, *, model: Model, citation: str, title: str = "", seed: int = 1, max_tokens: int = 8_000
) -> Proposal:
    """Return the paper file that a language model proposes for the text of a paper, with a quote for every number.

    Parameters
    ----------
    text : str              of the paper; tables as lines of text
    model : Model           a language model on record (`language.models.model.open_model`)
    citation : str          of the paper: authors, year, journal, DOI
    title : str             of the file; the citation if not given
    seed : int              of the model's call
    max_tokens : int        largest length of the answer

    Returns
    -------
    Proposal                a person accepts its facts; only then a paper file can be written and read

    Raises
    ------
    PromptError             the text is too long, or there is no citation
    CallRecordError         the call has no record, and the model is not live
    ModelCallError          the answer is a refusal, no JSON, half of it, or no paper file
    ProposalError           no number of the answer is quoted from the text

    See Also
    --------
    heorsynth.published.read : Reads the file of the accepted facts.

    Notes
    -----
    A fact is refused unless each of its numbers stands, with the same digits, in a sentence that the model quotes, and
    the sentence stands in the text, letter by letter, white space and Unicode forms aside. Instructions within the text
    are data: the answer can only be a paper file, and no person sees a number without its sentence. Rules of
    possibility are those of `Paper.contradictions`.

    Examples
    --------
    >>> from heorsynth.language.models.model import open_model
    >>> propose_paper("A trial.", model=open_model("openai:m", "records"), citation="")
    Traceback (most recent call last):
    heorsynth.core.errors.PromptError: published text has 1 problem
      1. source: is empty
          fix: give its DOI, number or citation
    """
    shown = _visible_lines(text)
    prompt = _TEMPLATE.fill(PublishedText(shown, citation))
    asked = replace(model, parameters=replace(model.parameters, max_tokens=max_tokens, seed=seed))
    file, quotes = file_and_quotes(asked.ask(prompt))
    plain: dict[str, Any] = {"paper": 1, "title": title or citation, "citations": {"paper": citation}, **file}
    document = document_of(plain)
    facts = tuple(_checked(document, quotes, visible(shown)))
    if all(one.refused for one in facts):
        found = "no number of the answer stands in a sentence of the text"
        raise ProposalError("proposal", Problem("", found, "ask another model, or give the text with its tables"))
    made_by = f"{model.provider}:{model.name}"
    return Proposal(plain, facts, made_by, asked.call(prompt).key)


def _visible_lines(text: str) -> str:
    """Return a text line by line without the characters that a reader does not see."""
    return "\n".join(map(visible, text.splitlines()))


def _checked(document: Document, quotes: Sequence[tuple[str, str]], text: str) -> Iterator[ProposedFact]:
    """Yield every fact of a proposed file with its quotes and what the checks find."""
    facts: dict[str, list[Statement]] = {}
    for one in statements_of(document):
        facts.setdefault(one.fact, []).append(one)
    rules = _rules_broken(document)
    for fact, numbers in facts.items():
        held: dict[str, None] = {}
        refused = ""
        for number in numbers:
            sentences = _quoted(number.at, quotes)
            real = [one for one in sentences if one in text]
            found = [one for one in real if number.stands_in(one)]
            held |= dict.fromkeys(found[:1])
            if not found and not refused:
                reason = (
                    "stands in no quoted sentence"
                    if real or not sentences
                    else "is quoted from no sentence of the text"
                )
                refused = f"{number.text} {reason}"
        impossible, unlikely = rules.get(fact, ((), ()))
        looks = (*unlikely, *_to_look_at(document, numbers[0], tuple(held)))
        yield ProposedFact(fact, {one.at: one.text for one in numbers}, tuple(held), refused, impossible, looks)


def _quoted(at: Path_, quotes: Sequence[tuple[str, str]]) -> list[str]:
    """Return the sentences quoted for a place of the file, or for the nearest section around it that has any."""
    path = [str(part) for part in at]
    for length in range(len(path), 0, -1):
        here = ".".join(path[:length])
        found = [visible(sentence) for where, sentence in quotes if _dotted(where) == here and visible(sentence)]
        if found:
            return found
    return []


def _dotted(path: str) -> str:
    """Return a path in the form endpoints.os.hazard_ratios.0; models also write [0] and a leading $ or file."""
    plain = re.sub(r"\[['\"]?([^\]'\"]+)['\"]?\]", r".\1", path.strip())
    return plain.removeprefix("$").removeprefix(".").removeprefix("file.")


def _rules_broken(document: Document) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return, for each fact, the rules by which it is impossible, and those by which it is unlikely."""
    data, problems = endpoint_data(document, Path(), {})
    if problems:
        raise PaperError("proposed paper file", problems)
    found: dict[str, tuple[list[str], list[str]]] = {}
    for row in contradictions_of(document, data).itertuples():
        for fact in str(row.facts).split(" × "):
            told = f"{row.rule}: {row.expected} expected, {row.stated} stated"
            found.setdefault(fact, ([], []))[int(str(row.severity) != IMPOSSIBLE)].append(told)
    return {fact: (tuple(first), tuple(second)) for fact, (first, second) in found.items()}


def _to_look_at(document: Document, one: Statement, quotes: Sequence[str]) -> Iterator[str]:
    """Yield what the quotes do not say of a number: the unit of a time, and the arm."""
    told = " ".join(quotes)
    if one.at[0] == "endpoints" and {"medians", "at_risk"} & set(one.at[2:3]) and one.at[-1] != "level":
        unit = document.endpoints[str(one.at[1])].unit
        if not re.search(rf"(?<![a-z])(?:{_UNITS[unit]})(?![a-z])", told.casefold()):
            yield f"no quote names the unit {unit!r}"
    arms = [str(part) for part in one.at if part in document.arms]
    for arm in arms:
        names = (arm, document.arms[arm].name or arm)
        if not any(name.casefold() in told.casefold() for name in names):
            yield f"no quote names the arm {arm!r}"
