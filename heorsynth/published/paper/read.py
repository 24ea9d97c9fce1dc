"""`read`: a paper file, checked against its schema, with the files of its curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from heorsynth.core.errors import PaperError, Problem
from heorsynth.core.section import schema_problem
from heorsynth.core.yaml_lines import Kind, Path_, line_of, number_texts, read_yaml
from heorsynth.published.paper.files import endpoint_data
from heorsynth.published.paper.names import name_problems
from heorsynth.published.paper.paper import Paper
from heorsynth.published.quotes.accepted import proposal_problems
from heorsynth.published.schema.document import Document
from heorsynth.published.schema.printed import Printed, printed

_KIND = Kind("paper", PaperError, "start from the example in docs/published-paper.md")


def read(path: str | Path) -> Paper:
    """Return what a paper states, each fact with its citation and its page, table or figure.

    Parameters
    ----------
    path : str or Path      a YAML file; the files it names lie in its folder

    Returns
    -------
    Paper

    Raises
    ------
    PaperError              the file does not follow the schema, cites nothing, states a fact without its source, or
                            names an arm, a citation or a file that is not there; or a language model proposed it and
                            no person accepted a fact; each problem has its line
    FileError               the file cannot be read

    See Also
    --------
    Paper.contradictions : facts that cannot all be true
    heorsynth.published.indirect_comparison : compares a published cohort with own patients

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "paper.yaml"
    >>> _ = file.write_text('''
    ... paper: 1
    ... title: A trial
    ... citations: {smith: Smith A (2020) J Trials 1:1}
    ... arms: {drug: {n: 60, source: Table 1}, usual: {n: 58, source: Table 1}}
    ... endpoints:
    ...   os:
    ...     unit: month
    ...     hazard_ratios:
    ...       - {arm: drug, reference: usual, value: 0.80, low: 0.62, high: 1.03, source: "Figure 2, page 5"}
    ... ''')
    >>> paper = read(file)
    >>> paper.to_frame()[["fact", "value", "rounding", "place"]].to_string(index=False).splitlines()[-1].split()
    ['os.hr.drug/usual', '0.8', '0.005', 'Figure', '2,', 'page', '5']
    >>> len(paper.contradictions())
    0
    >>> folder.cleanup()
    """
    file = Path(path)
    plain, lines, raw = read_yaml(file, _KIND)
    subject = f"paper {file.name!r}"
    given = _with_texts(plain, (), number_texts(raw))
    try:
        document = Document.model_validate(given)
    except ValidationError as error:
        problems = [schema_problem(item, lines, Document)[1] for item in error.errors()]
        raise PaperError(subject, [*map(_with_source, problems), *_cites_nothing(plain, lines)]) from None
    problems = [*_cites_nothing(plain, lines), *name_problems(document, lines), *proposal_problems(document, lines)]
    if problems:
        raise PaperError(subject, problems)
    data, problems = endpoint_data(document, file.parent, lines)
    if problems:
        raise PaperError(subject, problems)
    return Paper(document, file, data)


def _with_texts(node: object, at: Path_, texts: Mapping[Path_, str]) -> Any:
    """The document with every number as printed: 0.80 has a rounding of 0.005."""
    if isinstance(node, dict):
        return {key: _with_texts(value, (*at, key), texts) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_texts(value, (*at, index), texts) for index, value in enumerate(node)]
    if isinstance(node, bool) or not isinstance(node, (int, float)):
        return node
    try:
        return printed(texts[at])
    except (KeyError, ValueError):
        return Printed(float(node), 0.0, str(node))


def _with_source(problem: Problem) -> Problem:
    if problem.found == "is missing" and problem.where.endswith("source"):
        return Problem(problem.where, "a fact without a source", "write, for example, source: Table 1, page 4")
    return problem


def _cites_nothing(plain: Mapping[str, object], lines: dict[Path_, int]) -> Iterator[Problem]:
    if not plain.get("citations"):
        where = f"line {line_of(lines, ('citations',))}, citations"
        yield Problem(where, "the file cites nothing", "write citations: {name: Authors (year) Journal, doi}")
