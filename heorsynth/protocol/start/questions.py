"""The questions of `init`: roles and codings that cannot be guessed. They name columns, never a value of a patient."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.cohort.follow_up import combine_advice, known_for_events_only, zero_advice
from heorsynth.data.cohort.source_checks import COUNT_DAYS
from heorsynth.data.columns import number_text
from heorsynth.data.columns.event_words import coding_by_words, inverted_meaning
from heorsynth.data.columns.identifiers import looks_like_dates, repeats_evenly
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.schema import Endpoint
from heorsynth.protocol.start.draft import Table, holds_booleans, needs_coding
from heorsynth.protocol.start.guess_endpoints import guess_unit, may_be_event, may_be_time, why_no_event, why_no_time
from heorsynth.protocol.start.guess_roles import names_in, shared_levels


def questions(table: Table) -> list[str]:
    """The questions on a file, the most important first."""
    texts = [
        f"Each value of {name} is in the same number of rows. Is every row a new patient? If not, combine rows first."
        for name in names_in(table.frame)
        if repeats_evenly(table.frame[name])
    ]
    if table.others:
        texts.append(f"The table has further parameters: {', '.join(table.others)}. To use another one, change param.")
    texts += _of_endpoints(table) + _of_times(table) + _of_the_arm(table) + _of_texts(table)
    if len(table.currencies) > 1:
        named = " and ".join(table.currencies)
        texts.append(f"Names and cells of the costs contain several currencies, {named}: which one is right?")
    if table.columns("costs"):
        texts.append(f"Give the {'' if table.currency else 'currency and '}price year of the costs.")
    return texts


def _of_endpoints(table: Table) -> list[str]:
    if table.brought:
        return []
    if not table.endpoints:
        return [_why_none(table.frame)]
    texts: list[str] = []
    for endpoint in table.endpoints:
        column = table.frame[endpoint.event]
        codes = shared_levels(column)
        coding = coding_by_words(endpoint.event, codes)
        if coding is not None:
            texts.append(
                f"In {endpoint.event}, is {_levels(coding, 0)} censored and {_levels(coding, 1)} the event? A guess."
            )
        elif topic := inverted_meaning(endpoint.event):
            one, what = "true" if holds_booleans(column) else "1", "censored" if topic == "censoring" else "no event"
            texts.append(
                f"The name {endpoint.event} suggests {topic}: does {one} mean {what}, or the event? Uncomment the "
                "right event_map; without it the run stops with an error."
            )
        elif needs_coding(column) and not types.is_numeric_dtype(column):
            texts.append(f"The words in {endpoint.event} do not show who is censored: uncomment the right event_map.")
        elif needs_coding(column):
            texts.append(f"{endpoint.event} has no 0: uncomment event_map and give the code of censored patients.")
    return texts


def _levels(coding: Mapping[object, int], code: int) -> str:
    return " or ".join(repr(level) for level, meaning in coding.items() if meaning == code)


def _why_none(frame: pd.DataFrame) -> str:
    """The question for a file without a recognised endpoint: each candidate column, and why it does not fit."""
    times = [(name, why_no_time(frame[name])) for name in names_in(frame) if may_be_time(name)]
    events = [(name, why_no_event(frame[name])) for name in names_in(frame) if may_be_event(name)]
    listed = [f"{kind}: " + (", ".join(f"{name} ({why or 'possible'})" for name, why in columns) if columns else "none")
            for kind, columns in (("named like a follow-up", times), ("named like an event", events))]  # fmt: skip
    dates = [name for name in names_in(frame) if looks_like_dates(frame[name])]
    how = f" {', '.join(dates)} hold dates: {COUNT_DAYS}." if dates else ""
    return (
        f"No endpoint was recognised ({'; '.join(listed)}).{how} If there is one, give its follow-up and event columns"
        ": endpoints: {os: [time, event]}."
    )


def _of_times(table: Table) -> list[str]:
    """Questions on follow-up times that are not positive, and on the unit of time."""
    texts: list[str] = []
    for endpoint in table.endpoints:
        values = table.frame[endpoint.time].to_numpy(float, na_value=np.nan)
        event = _events(table, endpoint)
        if known_for_events_only(values, event):
            texts.append(f"{endpoint.time} is known only for patients with the event: "
                         f"{combine_advice(table.frame, endpoint.time, event, (endpoint.event,))}.")  # fmt: skip
            continue
        low, unknown = int((values <= 0).sum()), int(np.isnan(values).sum())
        wrong = [f"{count} are {what}" for count, what in ((low, "0"), (unknown, "missing")) if count]
        if wrong:
            unit = guess_unit((endpoint.time,)) or "day"
            fix = zero_advice(values, event, unit) if low and not (values < 0).any() else "drop those rows"
            texts.append(
                f"Of {len(values)} follow-ups in {endpoint.time} {' and '.join(wrong)}, so the run stops with an "
                f"error: find the true values, or {fix}."
            )
    if table.endpoints and not guess_unit((table.endpoints[0].time,)):
        texts.append(f"What is the unit of {table.endpoints[0].time}? Day is a guess.")
    if table.brought and "unit" not in table.brought:
        texts.append("What is the unit of AVAL? Day is a guess, because AVALU does not name it.")
    return texts


def _events(table: Table, endpoint: Endpoint) -> np.ndarray:
    """Event indicator (n,): 1 the event, 0 censored or not known."""
    column = table.frame[endpoint.event]
    coding = coding_by_words(endpoint.event, shared_levels(column))
    codes = as_text(column).map(coding) if coding else pd.to_numeric(column, errors="coerce")
    return np.nan_to_num(codes.to_numpy(float, na_value=0.0))


def _of_texts(table: Table) -> list[str]:
    """Questions on columns with numbers written as text."""
    if table.text is None:
        return []
    texts: list[str] = []
    names = {table.arm, *table.columns("subgroups"), *(one.event for one in table.endpoints)}
    for name, counts in table.text.counts.items():
        if name in names:
            continue
        left = number_text.counts_in_words(
            counts, tuple(kind for kind in number_text.UNREAD if kind != number_text.MISSING)
        )
        if left:
            texts.append(
                f"{name} has numbers written as text, and also {left}: correct these cells, or list under missing "
                "those that mean missing; without this the run stops with an error."
            )
        else:
            read = number_text.counts_in_words(counts, (*number_text.READ[1:], number_text.MISSING))
            texts.append(f"{name} has numbers written as text{f' ({read})' if read else ''}: is it a number?")
    texts += [
        f"{name} has amounts that cannot be read: unclear thousands separators, several currencies, or a percent sign "
        "in some cells only. Write plain numbers; without this the run stops with an error."
        for name in table.text.unclear
    ]
    if table.text.marks:
        one = len(table.text.marks) == 1
        listed = ", ".join(map(repr, table.text.marks))
        texts.append(f"{'Does' if one else 'Do'} {listed} mean missing? `missing:` applies to every column.")
    texts += [
        f"{name} has digits written like a code, for example with leading zeros: is it a code?"
        for name in table.text.codes
        if name not in names
    ]
    return texts


def _of_the_arm(table: Table) -> list[str]:
    if table.arm is None:
        return []
    if table.reference:
        return [f"Is {table.reference} the comparator? This is a guess, by its name."]
    levels = shared_levels(table.frame[table.arm])
    if levels and len(levels) > 2:
        among = ", ".join(levels)
        return [f"Which level of {table.arm} ({among}) is the comparator? {levels[0]} is a guess, the first in the "
                "alphabet: change arm_reference."]  # fmt: skip
    among = f" ({', '.join(levels)})" if levels else ""
    return [f"Which level of {table.arm}{among} is the comparator? Give it as arm_reference."]
