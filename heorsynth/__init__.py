"""Synthetic cohorts for health economics, and the evidence of what they are fit for.

Names are loaded when first used, so that `import heorsynth` stays quick: SDV, torch and Jupyter load only
where they are needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heorsynth import generators as generators
    from heorsynth import published as published
    from heorsynth.checks.analyses.analysis import Analysis as Analysis
    from heorsynth.checks.analyses.replicate import replicate as replicate
    from heorsynth.core.errors import HeorsynthError as HeorsynthError
    from heorsynth.core.estimate import Estimate as Estimate
    from heorsynth.data import datasets as datasets
    from heorsynth.data.cohort.cohort import Cohort as Cohort
    from heorsynth.data.files.io import read as read
    from heorsynth.data.files.io import write as write
    from heorsynth.data.folders.cohort_folder import CohortFolder as CohortFolder
    from heorsynth.data.inspect import inspect as inspect
    from heorsynth.data.sources.adam import from_adam as from_adam
    from heorsynth.data.sources.adam_write import to_adam as to_adam
    from heorsynth.data.sources.omop import from_omop as from_omop
    from heorsynth.data.visits.schedule import area as area
    from heorsynth.data.visits.schedule import total as total
    from heorsynth.engine.engine import open_engine as open_engine
    from heorsynth.evaluation import stability as stability
    from heorsynth.evaluation.evaluate import evaluate as evaluate
    from heorsynth.evaluation.evaluate import sensitivity as sensitivity
    from heorsynth.evaluation.scaling import scaling as scaling
    from heorsynth.evidence.validate import validate as validate
    from heorsynth.generators.augmentation import augment as augment
    from heorsynth.language.checks.check_text import check_text as check_text
    from heorsynth.language.checks.text_scaling import text_scaling as text_scaling
    from heorsynth.language.narratives.narrate import narrate as narrate
    from heorsynth.language.proposals.propose import propose_paper as propose_paper
    from heorsynth.language.raters.rating_kit import rating_kit as rating_kit
    from heorsynth.protocol.run import Run as Run
    from heorsynth.protocol.run import run as run
    from heorsynth.protocol.verify import verify as verify
    from heorsynth.report import figures as figures
    from heorsynth.report import tables as tables

_PUBLIC = {
    "Analysis": "heorsynth.checks.analyses.analysis:Analysis",
    "Cohort": "heorsynth.data.cohort.cohort:Cohort",
    "CohortFolder": "heorsynth.data.folders.cohort_folder:CohortFolder",
    "Estimate": "heorsynth.core.estimate:Estimate",
    "HeorsynthError": "heorsynth.core.errors:HeorsynthError",
    "Run": "heorsynth.protocol.run:Run",
    "area": "heorsynth.data.visits.schedule:area",
    "augment": "heorsynth.generators.augmentation:augment",
    "check_text": "heorsynth.language.checks.check_text:check_text",
    "datasets": "heorsynth.data.datasets:",
    "evaluate": "heorsynth.evaluation.evaluate:evaluate",
    "figures": "heorsynth.report.figures:",
    "from_adam": "heorsynth.data.sources.adam:from_adam",
    "from_omop": "heorsynth.data.sources.omop:from_omop",
    "generators": "heorsynth.generators:",
    "inspect": "heorsynth.data.inspect:inspect",
    "narrate": "heorsynth.language.narratives.narrate:narrate",
    "open_engine": "heorsynth.engine.engine:open_engine",
    "propose_paper": "heorsynth.language.proposals.propose:propose_paper",
    "published": "heorsynth.published:",
    "rating_kit": "heorsynth.language.raters.rating_kit:rating_kit",
    "read": "heorsynth.data.files.io:read",
    "replicate": "heorsynth.checks.analyses.replicate:replicate",
    "run": "heorsynth.protocol.run:run",
    "scaling": "heorsynth.evaluation.scaling:scaling",
    "sensitivity": "heorsynth.evaluation.evaluate:sensitivity",
    "stability": "heorsynth.evaluation.stability:",
    "tables": "heorsynth.report.tables:",
    "text_scaling": "heorsynth.language.checks.text_scaling:text_scaling",
    "to_adam": "heorsynth.data.sources.adam_write:to_adam",
    "total": "heorsynth.data.visits.schedule:total",
    "validate": "heorsynth.evidence.validate:validate",
    "verify": "heorsynth.protocol.verify:verify",
    "write": "heorsynth.data.files.io:write",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'heorsynth' has no attribute {name!r}")
    module, attribute = _PUBLIC[name].split(":")
    loaded = import_module(module)
    return getattr(loaded, attribute) if attribute else loaded


def __dir__() -> list[str]:
    return sorted(__all__)
