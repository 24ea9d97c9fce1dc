"""The generators by name, ours and those of plug-ins; fitted ones from a file."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from heorsynth.core import plugins
from heorsynth.core.errors import FileError, GeneratorError, Problem, nearest, unknown_name
from heorsynth.core.plugins import Plugin, PluginError
from heorsynth.core.reading import json_of
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.columns.schema import Schema
from heorsynth.data.labels.levels import INTERNAL, level_problem
from heorsynth.generators.recipe import Recipe
from heorsynth.generators.sampling.calibration import aim_from_dict
from heorsynth.generators.sampling.sampler import FORMAT, Sampler

REGISTRY = {
    "heor": "heorsynth.generators.heor.recipe:Heor",
    "bootstrap": "heorsynth.generators.peers.bootstrap:Bootstrap",
    "marginals": "heorsynth.generators.peers.marginals:Marginals",
    "arf": "heorsynth.generators.peers.arf:Arf",
    "sequential_trees": "heorsynth.generators.peers.trees:SequentialTrees",
    "forest_diffusion": "heorsynth.generators.peers.forest_diffusion:ForestDiffusion",
    "gaussian_copula": "heorsynth.generators.peers.sdv:GaussianCopula",
    "copula_gan": "heorsynth.generators.peers.sdv:CopulaGan",
    "ctgan": "heorsynth.generators.peers.sdv:Ctgan",
    "tvae": "heorsynth.generators.peers.sdv:Tvae",
}
"""Our generators: name to module and class. A module is imported only when its generator is used."""

RELEASE = "release"
"""The setting of a generator that bounds what one patient can move; one without it is internal."""

MAX_BYTES = 200_000_000
"""A larger file is not read: a generator file is far smaller."""

_RECIPE = "name a class as `heorsynth.generators.recipe.Recipe` describes it; see docs/extending.md"


def names() -> tuple[str, ...]:
    """The generators that `create` knows: those of heorsynth, then those of plug-ins by name.

    A plug-in is not imported for this, so one that cannot be used is listed too.

    See Also
    --------
    describe : What a generator is.
    create : Makes its recipe.

    Examples
    --------
    >>> names()[:3]
    ('heor', 'bootstrap', 'marginals')
    """
    added = {plugin.name for plugin in plugins.installed(plugins.GENERATORS)}
    return (*REGISTRY, *sorted(added - set(REGISTRY)))


def plugin(name: str) -> Plugin | None:
    """The plug-in that brings a generator; None for a generator of heorsynth, or an unknown name.

    Raises
    ------
    PluginError          the name is in use twice
    """
    return plugins.named(plugins.GENERATORS, name, REGISTRY.get(name, ""))


def _recipe_class(name: str) -> type:
    """The dataclass of settings behind a name.

    Raises
    ------
    UnknownNameError     no such generator; the error gives the nearest name
    PluginError          a plug-in that cannot be loaded, is no recipe, or takes a name that is in use
    """
    added = plugin(name)
    if added is not None:
        return _recipe_of(added)
    if name not in REGISTRY:
        raise unknown_name("generator", name, names())
    module, attribute = REGISTRY[name].split(":")
    return cast(type, getattr(import_module(module), attribute))


def describe(name: str) -> str:
    """What a generator is: the first line of its recipe's docstring, or why its plug-in cannot be used.

    See Also
    --------
    names : All generators.
    create : Makes a generator's recipe.

    Examples
    --------
    >>> describe("marginals")
    "Each column drawn on its own: what distributions alone can do. A control; values are patients' own."
    """
    try:
        kind = _recipe_class(name)
    except PluginError as error:
        return f"cannot be used: {error.problems[0].found}"
    return (kind.__doc__ or "no description").strip().splitlines()[0]


def create(name: str, **options: object) -> Recipe:
    """A generator's recipe, by name, with its settings.

    Raises
    ------
    UnknownNameError     no such generator
    GeneratorError       no such setting, or a value that the generator refuses
    PluginError          a plug-in that cannot be loaded, is no recipe, or takes a name that is in use

    See Also
    --------
    names : All generators.
    load : A fitted generator, from its file.
    heorsynth.generators.sampling.sampler.Sampler : What `fit` returns.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> sampler = create("marginals").fit(cohort, seed=1)
    >>> len(sampler.sample(m=2, seed=1)), sampler.n_source
    (2, 60)
    """
    kind = _recipe_class(name)
    known = [item.name for item in fields(kind) if item.init]
    if RELEASE in options and RELEASE not in known:
        level = options.pop(RELEASE)
        require_bounded(name, level)
    unknown = [option for option in options if option not in known]
    if unknown:
        fixes = {option: nearest(option, known) if known else "it has no settings" for option in unknown}
        problems = [Problem(f"option {option!r}", "not a setting of it", fix) for option, fix in fixes.items()]
        raise GeneratorError(f"generator {name!r}", problems)
    made = cast(Recipe, kind(**options))
    added = None if name in REGISTRY else plugin(name)
    if added is not None and made.name != name:
        # labels and records carry the recipe's own name: under another one a run could not be made again
        raise plugins.refused(added, f"{added} calls itself {made.name!r}", f"its property `name` must return {name!r}")
    return made


def require_bounded(name: str, level: object) -> None:
    """Raise GeneratorError if the level is none, or if a generator cannot bound what one patient moves as it asks.

    A generator that can has a setting `release`.
    """
    if wrong := level_problem(level):
        raise GeneratorError(f"generator {name!r}", wrong)
    if level != INTERNAL and RELEASE not in [item.name for item in fields(_recipe_class(name)) if item.init]:
        found = f"{level!r}, and generator {name!r} does not bound what one patient can move in its rows"
        fix = "use the generator heor, or release: internal"
        raise GeneratorError(f"generator {name!r}", Problem(RELEASE, found, fix))


def _recipe_of(added: Plugin) -> type:
    """The class a plug-in names, if it is a frozen dataclass with `name` and `fit`."""
    kind = plugins.load(added)
    settings = getattr(kind, "__dataclass_params__", None)
    if not isinstance(kind, type) or not is_dataclass(kind) or not (settings and settings.frozen):
        raise plugins.refused(added, f"{added} is not a frozen dataclass", _RECIPE)
    lacking = [part for part in ("name", "fit") if not hasattr(kind, part)]
    if lacking:
        raise plugins.refused(added, f"{added} has no {' and no '.join(lacking)}", _RECIPE)
    return kind


def load(path: str | Path) -> Sampler:
    """The fitted `heor` generator in a JSON file that `sampler.save` wrote. It draws the same rows as the saved one.

    No code in the file is run: a pickle is never loaded.

    Raises
    ------
    FileError      no such file, or not a generator file

    See Also
    --------
    heorsynth.generators.sampling.sampler.Sampler.save : Writes the file.
    create : Makes a generator that is not fitted yet.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> import heorsynth as hs
    >>> frame = pd.DataFrame({"time": range(1, 21), "died": [0, 1] * 10})
    >>> cohort = hs.Cohort(frame, endpoints={"os": ("time", "died")})
    >>> sampler = create("heor").fit(cohort, seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     loaded = load(sampler.save(Path(folder) / "os.json"))
    >>> loaded.sample(m=1, seed=3)[0].frame.equals(sampler.sample(m=1, seed=3)[0].frame)
    True
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
        kept = tuple(facts.get("kept", []))
        release, noise_key = str(facts.get("release", INTERNAL)), str(facts.get("noise_key", ""))
        learning = (learnt, kept, release, noise_key)
        return Sampler(name, settings, domain, law, seed, depth, cells, calibrated, aims, False, *learning)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise FileError(f"file {file.name!r}", wrong) from error
