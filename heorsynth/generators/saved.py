"""Reads a fitted `heor` generator from the JSON file it was saved to; no code in a file is ever run."""

from __future__ import annotations

from pathlib import Path

from heorsynth.core.errors import FileError, Problem
from heorsynth.core.reading import json_of
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.columns.schema import Schema
from heorsynth.generators.heor.law import HeorLaw
from heorsynth.generators.sampling.calibration import aim_from_dict
from heorsynth.generators.sampling.sampler import FORMAT, Sampler

MAX_BYTES = 200_000_000
"""A generator file is far smaller; a larger one is not read."""


def load(path: str | Path) -> Sampler:
    """The fitted generator in a file `save` wrote; it draws the same rows as the one that was saved.

    Raises
    ------
    FileError      no such file, or not a generator file; a pickle is never loaded
    """
    file = Path(path)
    wrong = Problem("", "not a heorsynth generator file", "give the JSON file that sampler.save wrote")
    try:
        if file.stat().st_size > MAX_BYTES:
            raise FileError(f"file {file.name!r}", wrong)
        facts = json_of(file.read_bytes())
    except (OSError, ValueError) as error:
        raise FileError(f"file {file.name!r}", wrong) from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise FileError(f"file {file.name!r}", wrong)
    try:
        schema = Schema.from_dict(facts["schema"])
        cells = {tuple(cell): int(count) for cell, count in facts["cells"]}
        law, domain = HeorLaw.from_dict(facts["law"], schema), Domain.from_dict(facts["domain"], schema)
        calibrated = tuple(facts["calibrated"])
        aims = tuple(map(aim_from_dict, facts["aims"]))
        name, settings, seed, depth = (facts[key] for key in ("name", "settings", "seed", "depth"))
        learnt = {tuple(cell): int(count) for cell, count in facts.get("learnt", [])}
        return Sampler(name, settings, domain, law, seed, depth, cells, calibrated, aims, learnt=learnt)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise FileError(f"file {file.name!r}", wrong) from error
