"""Every entry of the catalogue is whole: a check, a margin with its reason, settings and roles that exist."""

from __future__ import annotations

import math
from collections import Counter
from inspect import signature

import pytest

from heorsynth.checks.core.estimand import (
    BOTH_SIDES,
    CONTRASTS,
    COUNTS,
    EVERY_GROUP,
    EVERYONE,
    EVERYONE_AND_ARMS,
    FAITHFUL,
    NEVER,
    PRIVATE,
    REPEATED,
    SAMPLE,
    Estimand,
)
from heorsynth.checks.core.margin import SCALES
from heorsynth.checks.economics import estimands as economics
from heorsynth.checks.planning import registry, settings
from heorsynth.checks.planning.catalogue import ESTIMANDS, lacking, margin_for
from heorsynth.checks.privacy import estimands as privacy
from heorsynth.data.columns.schema import Schema

ENTRIES = [ESTIMANDS[key] for key in ESTIMANDS]
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)

NAMES = {
    "analyses",
    "endpoint",
    "cost",
    "measure",
    "utility",
    "comparator",
    "effect",
    "wtp",
    "targets",
    "baseline",
    "adjust",
    "cluster",
}
"""Settings that name columns, levels or thresholds: what the cohort has says what they may be."""

SCHEMA = Schema(endpoints={})


@every_entry
def test_a_key_names_a_check_that_there_is_and_an_answer_that_takes_one_ask(entry: Estimand) -> None:
    assert entry.check in registry.names() and callable(registry.load(entry.check))
    assert entry.key.count(".") == 1 and entry.key.split(".")[1].isidentifier()
    assert ESTIMANDS[entry.key] is entry
    for answer in filter(None, (entry.answer, entry.among_all)):
        assert len(signature(answer).parameters) == 1


def test_no_two_entries_have_a_name_or_a_definition_in_common() -> None:
    for attribute in ("key", "plain", "definition"):
        counts = Counter(getattr(entry, attribute) for entry in ENTRIES)
        assert [name for name, count in counts.items() if count > 1] == []


@every_entry
def test_an_entry_says_what_it_is_in_words_and_in_a_formula(entry: Estimand) -> None:
    for text in (entry.plain, entry.definition, entry.formula):
        assert text and text == text.strip() and not text.endswith(".")


@every_entry
def test_a_default_margin_is_accepted_is_not_vacuous_and_has_a_reason(entry: Estimand) -> None:
    assert bool(entry.margin) == bool(entry.reason)
    assert (entry.default.estimand, entry.default.margin, entry.default.reason) == (entry, entry.margin, entry.reason)
    if entry.margin:
        margin = margin_for(entry.key, entry.margin)
        assert margin.scale in entry.scales and margin.width > 0
        assert margin.width < (0.5 if margin.scale == "relative" else entry.limit)
        assert margin.of == (entry.relative_to or "the real value")


def test_only_an_entry_that_needs_more_to_be_said_has_no_default_margin() -> None:
    without = {entry.key: {name for name, value in entry.settings.items() if value is None} for entry in ENTRIES
               if not entry.margin}  # fmt: skip
    assert set(without) == {"costs.censored_mean", "utilities.qaly", "subgroups.target"}
    assert without["subgroups.target"] == {"targets"}
    assert {"measures", "times"} <= without["utilities.qaly"]


@every_entry
def test_scales_are_known_and_each_has_something_that_makes_a_margin_vacuous(entry: Estimand) -> None:
    assert entry.scales and set(entry.scales) <= set(SCALES)
    if set(entry.scales) & {"absolute", "ratio"}:
        assert math.isfinite(entry.limit) or entry.reference is not None


@every_entry
def test_settings_are_those_that_are_checked_when_a_margin_is_read(entry: Estimand) -> None:
    assert set(entry.settings) <= set(settings.KINDS) | NAMES
    assert set(entry.several) <= set(entry.settings)
    lacking_settings = [problem.where for problem in settings.setting_problems(entry, entry.settings)]
    wanted = ["measures", "times"] if entry.key == "utilities.qaly" else []
    assert lacking_settings == [f"{entry.key}: {name}" for name in wanted], "the other defaults are of the right kind"


@every_entry
def test_only_roles_of_a_schema_are_needed(entry: Estimand) -> None:
    assert set(entry.needs) <= {"arm", "cluster", "costs", "derived", "subgroups", "utilities", "visits"}
    assert all(hasattr(SCHEMA, role) for role in entry.needs)
    assert lacking(entry.key, SCHEMA) == entry.needs
    column = {"costs": "costs", "utilities": "utilities", "economics": "costs"}.get(entry.check)
    assert column is None or column in entry.needs
    if entry.asked_of == CONTRASTS or entry.check == "economics":
        assert "arm" in entry.needs


@every_entry
def test_whom_how_and_which_question_are_among_the_few_there_are(entry: Estimand) -> None:
    assert entry.folders in (COUNTS, SAMPLE, NEVER)
    assert entry.asked_of in (EVERYONE, EVERYONE_AND_ARMS, EVERY_GROUP, CONTRASTS, REPEATED)
    assert entry.question == (PRIVATE if entry.check == "disclosure" else FAITHFUL)
    assert (entry.folders == NEVER) == (entry.check == "disclosure")


@every_entry
def test_a_disclosure_fails_on_one_side_only_and_so_does_no_other_but_precision(entry: Estimand) -> None:
    assert (entry.span == (0.0, math.inf)) == (entry.check == "disclosure")
    if entry.check != "disclosure":
        assert entry.span == ((-math.inf, 0.0) if entry.key == "inference.precision" else BOTH_SIDES)


def test_a_purpose_may_have_a_margin_of_its_own() -> None:
    own = ENTRIES[0].with_margin({"relative": 0.01}, "a tighter one")
    assert (own.key, own.estimand, own.margin, own.reason) == (
        ENTRIES[0].key,
        ENTRIES[0],
        {"relative": 0.01},
        "a tighter one",
    )


def test_the_choice_among_three_arms_is_asked_of_the_two_decisions_alone() -> None:
    among = {entry.key for entry in ENTRIES if entry.among_all is not None}
    assert among == {economics.DECISION_AGREEMENT.key, economics.POOLED_DECISION.key}


def test_each_attack_has_its_random_stream_and_copies_come_first() -> None:
    assert {entry.key for entry in privacy.STREAMS} == {entry.key for entry in ENTRIES if entry.check == "disclosure"}
    assert privacy.STREAMS[0] is privacy.COPIES
