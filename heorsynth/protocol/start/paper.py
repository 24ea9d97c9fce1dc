"""A first protocol for a paper file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heorsynth.core.display import counted
from heorsynth.core.errors import as_yaml
from heorsynth.evidence.paper import PURPOSE
from heorsynth.protocol.start.guess_roles import Guess
from heorsynth.published.trial.trial import PublishedTrial

_BLANKS = ("steward", "intended_use", "prohibited_use", "legal_basis", "retention")


@dataclass(frozen=True)
class _Draft:
    """A drafted protocol: its name, its text, what was guessed, and questions that only a person can answer."""

    name: str
    text: str
    guesses: tuple[Guess, ...]
    questions: tuple[str, ...]


def draft_of_paper(path: Path, place: str) -> _Draft:
    """Return a protocol for a paper file; `place` is its path from the folder of the protocol, as YAML.

    Raises
    ------
    PaperError, FileError      as `heorsynth.published.read`; or no curve, or endpoints that cannot be joined
    """
    trial = PublishedTrial.read(path).with_options()
    endpoints, constraints = trial.options.endpoints, trial.options.constraints
    options = f"{{endpoints: [{', '.join(endpoints)}], constraints: [{', '.join(constraints)}]}}"
    lines = [
        "heorsynth: 1",
        f"title: {as_yaml(trial.name)}",
        f"purpose: {PURPOSE}",
        f"cohort: {{source: {{published: {place}}}}}",
        "generator:",
        "  name: published",
        "  m: 20       # cohorts: their spread is what the paper leaves open",
        "  seed: 1",
        f"  options: {options}   # facts that are no constraint test the cohorts",
        "# margins: {survival.hazard_ratio: {ratio: [0.9, 1.11], reason: why}}   # the purpose has its own",
        'governance:   # blank answers are shown as "needs a person"',
        *(f"  {key}:" for key in _BLANKS),
        "",
    ]
    guesses = (
        Guess("endpoints", endpoints, "those with a curve"),
        Guess("constraints", constraints, "curves, numbers at risk and patients are always constraints"),
        Guess("arm_reference", (trial.reference,), "the reference of the first hazard ratio, else the last arm"),
    )
    return _Draft(f"{path.stem}_protocol", "\n".join(lines), guesses, tuple(_questions(trial)))


def _questions(trial: PublishedTrial) -> Iterator[str]:
    """What a person must look at before the run."""
    if n := len(trial.paper.contradictions()):
        yield f"The paper has {counted(n, 'contradiction')} (`contradictions()` shows them). Is a number misread?"
    if not any(one.kind in ("median", "hazard ratio") for one in trial.facts):
        yield "Which median or hazard ratio does the paper print? Without one nothing tests the cohorts."
    for endpoint in trial.options.endpoints:
        if trial.paper.data[endpoint].at_risk.empty:
            yield f"Does the paper print numbers at risk of {endpoint}? Without them intervals are wide."
