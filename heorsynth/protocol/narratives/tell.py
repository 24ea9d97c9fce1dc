"""Tells patients of the first synthetic cohort of a run, by template and by a language model, and checks the texts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from heorsynth.core.display import counted
from heorsynth.core.errors import (
    CallRecordError,
    HeorsynthError,
    ModelCallError,
    Problem,
    ProtocolError,
    RoleError,
)
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.data.labels.label import Label
from heorsynth.data.labels.levels import INTERNAL
from heorsynth.language.checks.check_text import check_text
from heorsynth.language.checks.findings import TextReport
from heorsynth.language.facts.sheet import slot_problems
from heorsynth.language.models.calls import Answer, Call, Parameters
from heorsynth.language.models.model import Model, open_model
from heorsynth.language.models.prompts import Template
from heorsynth.language.models.records import Records
from heorsynth.language.narratives.narrate import narrate
from heorsynth.language.narratives.narratives import Narratives
from heorsynth.protocol.file.error_lines import with_lines
from heorsynth.protocol.file.narratives import NarrativesSection
from heorsynth.protocol.file.release import level_of
from heorsynth.protocol.file.spec import Protocol

_MODELS_VARIABLE = "HEORSYNTH_MODELS"
"""Environment variable with the folder of the GGUF files that a live run may load."""

_BLOCK = "narratives"
"""The block of a protocol."""


class _UsedRecords(Records):
    """Recorded calls that remember which of them were read."""

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        self.used: list[str] = []

    def read(self, call: Call) -> Answer:
        answer = super().read(call)
        self.used.append(call.key)
        return answer


@dataclass(frozen=True)
class Told:
    """The texts of a run: nothing where its protocol asks for none.

    Attributes
    ----------
    texts : tuple of Narratives       by the template; then by the model, if there is one
    reports : tuple of TextReport     the checks of each
    model : Model or None             the model, with its records
    used : tuple of str               keys of the recorded calls that its texts come from
    """

    texts: tuple[Narratives, ...] = ()
    reports: tuple[TextReport, ...] = ()
    model: Model | None = None
    used: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[tuple[Narratives, TextReport]]:
        """The texts of each maker with their checks."""
        return list(zip(self.texts, self.reports, strict=True))

    def labelled(self, label: Label) -> Told:
        """Return the texts with the label of the cohort as it is written: settling changes the number of cohorts."""
        return replace(self, texts=tuple(replace(one, label=label) for one in self.texts))


@dataclass(frozen=True)
class _Narrator:
    """What a protocol asks to be told.

    Attributes
    ----------
    protocol : Protocol
    model : Model or None      replays; None for a template alone
    live : Model or None       asks, where a person allowed it
    """

    protocol: Protocol
    model: Model | None = field(default=None)
    live: Model | None = None

    def tell(self, cohort: Cohort) -> Told:
        """Return the texts of a synthetic cohort and their checks. A missing record is an error: nothing is asked.

        Raises
        ------
        CallRecordError      a call has no record, and no live model is allowed; a record was altered
        ModelCallError       the live model does not answer
        RoleError, TextError slots that the cohort lacks; a check whose package is not installed
        """
        section = self.protocol.document.narratives
        if section is None:
            return Told()
        try:
            return self._told(section, cohort)
        except HeorsynthError as error:
            raise with_lines(error, self.protocol, _BLOCK, ("model",) if self._of_model(error) else ()) from None

    def _of_model(self, error: HeorsynthError) -> bool:
        return self.model is not None and isinstance(error, CallRecordError | ModelCallError)

    def _told(self, section: NarrativesSection, cohort: Cohort) -> Told:
        seed, ids = self.protocol.document.generator.seed, [str(one) for one in cohort.rows.index.tolist()]
        chosen = stream(seed, _BLOCK).permutation(len(ids))[: section.patients].tolist()
        how: dict[str, Any] = {"kind": section.kind, "seed": seed, **section.facts}
        first = narrate(cohort, patients=[ids[at] for at in sorted(chosen)], **how)
        reports = [self._checked(section, first, cohort)]
        if self.model is None or section.model is None:
            return Told((first,), tuple(reports))
        how["patients"] = [ids[at] for at in sorted(chosen[: section.model.patients])]
        how["template"] = None if section.model.prompt is None else Template("protocol", section.model.prompt)
        records = _UsedRecords(self.model.records.folder)
        second = self._by_model(cohort, how, replace(self.model, records=records))
        reports.append(self._checked(section, second, cohort, first.texts))
        return Told((first, second), tuple(reports), self.model, tuple(dict.fromkeys(records.used)))

    def _by_model(self, cohort: Cohort, how: dict[str, Any], model: Model) -> Narratives:
        """Return the recorded texts. A live model is asked first, so that what is written can be replayed."""
        asked = None if self.live is None else narrate(cohort, model=self.live, **how)
        try:
            return narrate(cohort, model=model, **how)
        except CallRecordError:
            if asked is None or not asked.refused:
                raise
            reason = next(iter(asked.refused.values()))
            found = f"{counted(len(asked.refused), 'call')} without an answer, such as: {reason}"
            fix = "run again: what is on record is not asked again"
            raise ModelCallError(f"model {model.name!r} ({model.provider})", Problem("", found, fix)) from None

    def _checked(
        self, section: NarrativesSection, texts: Narratives, cohort: Cohort, reference: Sequence[str] | None = None
    ) -> TextReport:
        seed = self.protocol.document.generator.seed
        return check_text(texts, cohort, checks=section.checks, reference=reference, seed=seed, **section.facts)


def narrator_of(protocol: Protocol, schema: Schema, columns: Sequence[str] | None, live_model: bool) -> _Narrator:
    """Return what tells the patients, after all checks that need no row.

    Parameters
    ----------
    schema : Schema              roles of the patients
    columns : sequence or None   names of their columns; None if they are known only after drawing
    live_model : bool            whether calls without a record are made

    Raises
    ------
    RoleError                    a slot or a column that the cohort lacks
    CallRecordError              no record of this model, and no live model is allowed; an altered record
    ModelCallError               the live model cannot be opened
    ProtocolError                a live model is allowed, and the protocol names none, or one of another house for an
                                 internal release
    """
    section = protocol.document.narratives
    if section is not None and columns is not None:
        given: dict[str, Mapping[str, object]] = {
            "names": section.names,
            "units": section.units,
            "levels": section.levels,
        }
        if problems := slot_problems(schema, columns, section.slots, given):
            raise with_lines(RoleError("texts", problems), protocol, _BLOCK)
    if section is None or section.model is None:
        if live_model:
            problem = Problem("--live-model", "the protocol names no model", "leave it out, or write narratives.model")
            raise ProtocolError(f"protocol {protocol.path.name!r}", problem)
        return _Narrator(protocol)
    try:
        model = _opened(protocol, live=False)
        if live_model:
            _require_inside(protocol)
        else:
            _require_records(model)
        return _Narrator(protocol, model, _opened(protocol, live=True) if live_model else None)
    except (CallRecordError, ModelCallError) as error:
        raise with_lines(error, protocol, _BLOCK, ("model",)) from None


def _require_inside(protocol: Protocol) -> None:
    """Raise ProtocolError if facts of an internal release would go to a provider's own address."""
    section = protocol.document.narratives
    assert section is not None and section.model is not None
    outside = not section.model.url and not section.model.name.startswith("gguf:")
    if outside and level_of(protocol.document) == INTERNAL:
        found = "an internal release must not leave the custodian, and this model is asked at its provider"
        fix = "use gguf:FILE, give url: of an endpoint of your own, or declare release: shared"
        raise ProtocolError(f"protocol {protocol.path.name!r}", Problem(protocol.where(_BLOCK, "model"), found, fix))


def _opened(protocol: Protocol, live: bool) -> Model:
    """Return the model of the protocol with its records; the file of a live local model is found here."""
    section = protocol.document.narratives
    assert section is not None and section.model is not None
    asked = section.model
    provider, _, named = asked.name.partition(":")
    name = f"{provider}:{_model_file(named, protocol.path.parent)}" if live and provider == "gguf" else asked.name
    settings = Parameters(asked.temperature, asked.top_p, asked.max_tokens)
    place = protocol.path.parent / asked.records
    return open_model(name, place, live=live, url=asked.url, key_variable=asked.key_variable, parameters=settings)


def _model_file(named: str, folder: Path) -> Path:
    """Return a GGUF file: beside the protocol, or in the folder of models."""
    models = os.environ.get(_MODELS_VARIABLE)
    beside = folder / named
    return Path(models) / named if models and not beside.exists() else beside


def _require_records(model: Model) -> None:
    """Raise CallRecordError if no call of this model is on record: then no text can be told."""
    folder, keys = model.records.folder, model.records.keys()
    calls = [model.records.facts(key)["call"] for key in keys]
    makers = sorted({f"{one['provider']}:{one['model']}" for one in calls})
    if f"{model.provider}:{model.name}" in makers:
        return
    held = f"its records are of {', '.join(makers)}" if makers else "it has no records"
    fix = "run once with --live-model, which asks the model and records its answers"
    found = f"no call of this model is recorded in the folder {folder.name!r}: {held}"
    raise CallRecordError(f"model {model.name!r} ({model.provider})", Problem("", found, fix))
