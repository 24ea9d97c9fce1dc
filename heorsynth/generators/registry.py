"""The generators by name: one line each. `create` is how everything else gets one."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import cast

from heorsynth.core.errors import GeneratorError, Problem, nearest, unknown_name
from heorsynth.generators.recipe import Recipe
from heorsynth.generators.sampling.sampler import Sampler

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
    """The fitted generator in a file that `sampler.save` wrote; FileError if it is not one."""
    return cast(Sampler, import_module("heorsynth.generators.saved").load(path))
