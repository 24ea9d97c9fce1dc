"""The generators by name, and fitted ones from a file."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import cast

from heorsynth.core.errors import FileError, GeneratorError, Problem, nearest, unknown_name
from heorsynth.core.reading import json_of
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.columns.schema import Schema
from heorsynth.generators.recipe import Recipe
from heorsynth.generators.sampling.calibration import aim_from_dict
from heorsynth.generators.sampling.sampler import FORMAT, Sampler

REGISTRY = {
    "heor": "heorsynth.generators.heor.recipe:Heor",
    "bootstrap": "heorsynth.generators.peers.bootstrap:Bootstrap",
    "marginals": "heorsynth.generators.peers.marginals:Marginals",
    "arf": "heorsynth.generators.peers.arf:Arf",
    "gaussian_copula": "heorsynth.generators.peers.sdv:GaussianCopula",
    "copula_gan": "heorsynth.generators.peers.sdv:CopulaGan",
    "ctgan": "heorsynth.generators.peers.sdv:Ctgan",
    "tvae": "heorsynth.generators.peers.sdv:Tvae",
}
"""Name to module and class; a module is imported only when its generator is used."""

MAX_BYTES = 200_000_000
"""A larger file is not read: a generator file is far smaller."""


def names() -> tuple[str, ...]:
    """The generators `create` knows."""
    return tuple(REGISTRY)


def recipe_class(name: str) -> type:
    """The dataclass of settings behind a name; UnknownNameError with the nearest name if there is none."""
    if name not in REGISTRY:
        raise unknown_name("generator", name, REGISTRY)
    module, attribute = REGISTRY[name].split(":")
    return cast(type, getattr(import_module(module), attribute))


def describe(name: str) -> str:
    """What a generator is, in the first line of its recipe's docstring."""
    return (recipe_class(name).__doc__ or "").strip().splitlines()[0]


def create(name: str, **options: object) -> Recipe:
    """A generator's recipe, by name, with its settings.

    Raises
    ------
    UnknownNameError     no such generator
    GeneratorError       no such setting, or a value it refuses
    """
    kind = recipe_class(name)
    known = [item.name for item in fields(kind) if item.init]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise GeneratorError(
            f"generator {name!r}",
            [
                Problem(
                    f"option {option!r}",
                    "not a setting of it",
                    nearest(option, known) if known else "it has no settings",
                )
                for option in unknown
            ],
        )
    return cast(Recipe, kind(**options))


def load(path: str | Path) -> Sampler:
    """The fitted `heor` generator in a JSON file that `sampler.save` wrote. It draws the same rows as the saved one.

    No code in the file is run: a pickle is never loaded.

    Raises
    ------
    FileError      no such file, or not a generator file
    """
    from heorsynth.generators.heor.law import HeorLaw

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
