"""A fitted `heor` generator as a JSON file: no patient in it, and no code; see docs/generator-file.md."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from heorsynth.core.errors import FileError, GeneratorError, OutputError, Problem
from heorsynth.data.domain import ColumnDomain, Domain
from heorsynth.data.schema import Band, Endpoint, Schema
from heorsynth.generators.formats import formats_from_dict, formats_to_dict
from heorsynth.generators.latent.cells import Cells
from heorsynth.generators.latent.columns import ColumnLaw
from heorsynth.generators.latent.dependence import Dependence
from heorsynth.generators.latent.law import HeorLaw
from heorsynth.generators.latent.outcome import Outcome
from heorsynth.generators.latent.shape import Shape
from heorsynth.generators.sampler import Sampler

FORMAT = "heorsynth generator 1"
MAX_BYTES = 200_000_000
"""A generator file is far smaller; a larger one is not read."""


def save(sampler: Sampler, path: str | Path) -> Path:
    """Writes a fitted generator to a JSON file, and returns the path.

    It holds names, counts, shares, knots that rest on five patients or more, and latent correlations: no row of
    the source, and no extreme of it (ranges are rounded outward).

    Raises
    ------
    GeneratorError     the generator keeps patients' rows or a network, as all but `heor` do
    OutputError        the file cannot be written
    """
    if not isinstance(sampler.law, HeorLaw):
        raise GeneratorError(f"generator {sampler.name!r}", Problem("", "cannot be saved", "only 'heor' holds no row"))
    facts = {
        "format": FORMAT,
        "name": sampler.name,
        "settings": dict(sampler.settings),
        "seed": sampler.seed,
        "depth": sampler.depth,
        "calibrated": list(sampler.calibrated),
        "shares": [[list(cell), share] for cell, share in sampler.shares.items()],
        "domain": _domain_to_dict(sampler.domain),
        "schema": _schema_to_dict(sampler.domain.schema),
        "law": _law_to_dict(sampler.law),
    }
    file = Path(path)
    try:
        file.write_text(json.dumps(facts, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        found = f"cannot be written ({error.strerror})"
        raise OutputError(f"file {file.name!r}", Problem("", found, "check the folder's rights and space")) from error
    return file


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
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"file {file.name!r}", wrong) from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise FileError(f"file {file.name!r}", wrong)
    try:
        schema = _schema_from_dict(facts["schema"])
        shares = {tuple(cell): float(share) for cell, share in facts["shares"]}
        law, domain = _law_from_dict(facts["law"], schema), _domain_from_dict(facts["domain"], schema)
        calibrated = tuple(facts["calibrated"])
        return Sampler(facts["name"], facts["settings"], domain, law, facts["seed"], facts["depth"], shares, calibrated)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise FileError(f"file {file.name!r}", wrong) from error


def _schema_to_dict(schema: Schema) -> dict[str, Any]:
    return asdict(schema)


def _schema_from_dict(facts: Mapping[str, Any]) -> Schema:
    endpoints = {
        name: Endpoint(part["name"], part["time"], part["event"], {int(k): v for k, v in part["causes"].items()})
        for name, part in facts["endpoints"].items()
    }
    bands = {
        name: Band(part["source"], tuple(part["edges"]), tuple(part["labels"])) for name, part in facts["bands"].items()
    }
    return Schema(
        endpoints=endpoints,
        bands=bands,
        order=tuple((first, last) for first, last in facts["order"]),
        totals={total: tuple(parts) for total, parts in facts["totals"].items()},
        costs=tuple(facts["costs"]),
        utilities=tuple(facts["utilities"]),
        subgroups=tuple(facts["subgroups"]),
        **{name: facts[name] for name in ("arm", "arm_reference", "id", "entry", "unit", "currency", "price_year")},
    )


def _domain_to_dict(domain: Domain) -> dict[str, Any]:
    return {"n_source": domain.n_source, "columns": [[name, _column(held)] for name, held in domain.columns.items()]}


def _column(held: ColumnDomain) -> dict[str, Any]:
    wide = _outward(held)
    levels = None if held.levels is None else sorted(held.levels)
    ends = {name: None if math.isinf(getattr(wide, name)) else getattr(wide, name) for name in ("low", "high")}
    return {"dtype": held.dtype, "whole": held.whole, "may_miss": held.may_miss, "levels": levels, **ends}


def _outward(held: ColumnDomain) -> ColumnDomain:
    """The same domain with its range rounded outward to one figure of its width: nobody's own value."""
    if not (math.isfinite(held.low) and math.isfinite(held.high)) or held.high <= held.low:
        return held if math.isfinite(held.low) is False or held.low == 0 else replace(held, low=0.0, high=np.inf)
    step = 10.0 ** math.floor(math.log10(held.high - held.low))
    return replace(held, low=math.floor(held.low / step) * step, high=math.ceil(held.high / step) * step)


def _domain_from_dict(facts: Mapping[str, Any], schema: Schema) -> Domain:
    columns = {
        name: ColumnDomain(
            held["dtype"],
            held["whole"],
            held["may_miss"],
            None if held["levels"] is None else frozenset(held["levels"]),
            -np.inf if held["low"] is None else held["low"],
            np.inf if held["high"] is None else held["high"],
        )
        for name, held in facts["columns"]
    }
    return Domain(schema, columns, facts["n_source"])


def _law_to_dict(law: HeorLaw) -> dict[str, Any]:
    return {
        "formats": formats_to_dict(law.shape.formats),
        "modelled": [[name, group] for name, group in law.shape.modelled.items()],
        "pooled": dict(law.shape.pooled),
        "cells": {"names": list(law.cells.names), "members": [list(cell) for cell in law.cells.members],
                  "counts": law.cells.counts.tolist()},
        "outcome": None if law.outcome is None else law.outcome.to_dict(),
        "columns": [column.to_dict() for column in law.columns],
        "dependence": law.dependence.to_dict(),
    }  # fmt: skip


def _law_from_dict(facts: Mapping[str, Any], schema: Schema) -> HeorLaw:
    shape = Shape(schema, formats_from_dict(facts["formats"]), dict(facts["modelled"]), facts["pooled"])
    members = tuple(tuple(cell) for cell in facts["cells"]["members"])
    cells = Cells(tuple(facts["cells"]["names"]), members, np.array(facts["cells"]["counts"]))
    outcome = None if facts["outcome"] is None else Outcome.from_dict(facts["outcome"])
    columns = tuple(map(ColumnLaw.from_dict, facts["columns"]))
    return HeorLaw(shape, cells, outcome, columns, Dependence.from_dict(facts["dependence"]))
