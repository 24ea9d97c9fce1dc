"""What `init` cannot know and asks, in words that name columns and no patient's value."""

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
    """The questions of a file, the gravest first."""
    asked = [
        f"Each value of {name} stands in equally many rows. Is every row another patient? If not, combine rows first."
        for name in names_in(table.frame)
        if repeats_evenly(table.frame[name])
    ]
    if table.others:
        asked.append(f"Of several parameters one was taken; the others are {', '.join(table.others)}: change param.")
    asked += _of_endpoints(table) + _of_times(table) + _of_the_arm(table) + _of_texts(table)
    if len(table.currencies) > 1:
        told = " and ".join(table.currencies)
        asked.append(f"Names and cells of the costs say several currencies, {told}: which one are they in?")
    if table.columns("costs"):
        asked.append(f"Give the {'' if table.currency else 'currency and '}price year of the costs.")
    return asked


def _of_endpoints(table: Table) -> list[str]:
    if table.brought:
        return []
    if not table.endpoints:
        return [_why_none(table.frame)]
    asked = []
    for endpoint in table.endpoints:
        column = table.frame[endpoint.event]
        codes = shared_levels(column)
        said = coding_by_words(endpoint.event, codes)
        if said is not None:
            asked.append(
                f"In {endpoint.event}, is {_called(said, 0)} censored and {_called(said, 1)} the event? A guess."
            )
        elif spoken := inverted_meaning(endpoint.event):
            one, what = "true" if holds_booleans(column) else "1", "censored" if spoken == "censoring" else "no event"
            asked.append(
                f"{endpoint.event} speaks of {spoken}: does {one} mean {what}, or the "
                "event? Uncomment the event_map that is right; until then the run is refused."
            )
        elif needs_coding(column) and not types.is_numeric_dtype(column):
            asked.append(
                f"Words in {endpoint.event} do not say who is censored: uncomment the event_map that is right."
            )
        elif needs_coding(column):
            asked.append(f"No 0 in {endpoint.event}: uncomment event_map and say which code is censored.")
    return asked


def _called(said: Mapping[object, int], code: int) -> str:
    return " or ".join(repr(level) for level, meaning in said.items() if meaning == code)


def _why_none(frame: pd.DataFrame) -> str:
    """No endpoint was recognised, and for each column that was considered, why not."""
    times = [(name, why_no_time(frame[name])) for name in names_in(frame) if may_be_time(name)]
    events = [(name, why_no_event(frame[name])) for name in names_in(frame) if may_be_event(name)]
    told = [f"{kind}: " + (", ".join(f"{name} ({why or 'would do'})" for name, why in found) if found else "none")
            for kind, found in (("named like a follow-up", times), ("named like an event", events))]  # fmt: skip
    dates = [name for name in names_in(frame) if looks_like_dates(frame[name])]
    how = f" {', '.join(dates)} hold dates: {COUNT_DAYS}." if dates else ""
    return (
        f"No endpoint was recognised ({'; '.join(told)}).{how} If there is one, name its follow-up and event columns: "
        "endpoints: {os: [time, event]}."
    )


def _of_times(table: Table) -> list[str]:
    """Follow-ups that are not positive, or whose unit no column names."""
    asked = []
    for endpoint in table.endpoints:
        values = table.frame[endpoint.time].to_numpy(float, na_value=np.nan)
        event = _events(table, endpoint)
        if known_for_events_only(values, event):
            asked.append(f"{endpoint.time} is known for the event only: "
                         f"{combine_advice(table.frame, endpoint.time, event, (endpoint.event,))}.")  # fmt: skip
            continue
        low, unknown = int((values <= 0).sum()), int(np.isnan(values).sum())
        wrong = [f"{count} are {what}" for count, what in ((low, "0"), (unknown, "missing")) if count]
        if wrong:
            unit = guess_unit((endpoint.time,)) or "day"
            fix = zero_advice(values, event, unit) if low and not (values < 0).any() else "drop those rows"
            asked.append(
                f"Of {len(values)} follow-ups in {endpoint.time} {' and '.join(wrong)}, so the run will be refused: "
                f"find the true ones, or {fix}."
            )
    if table.endpoints and not guess_unit((table.endpoints[0].time,)):
        asked.append(f"In which unit is {table.endpoints[0].time}? Day is a guess.")
    if table.brought and "unit" not in table.brought:
        asked.append("In which unit is AVAL? Day is a guess: AVALU does not say.")
    return asked


def _events(table: Table, endpoint: Endpoint) -> np.ndarray:
    """How follow-ups ended (n,), as far as it can be told: 1 the event, 0 censored or not known."""
    column = table.frame[endpoint.event]
    said = coding_by_words(endpoint.event, shared_levels(column))
    codes = as_text(column).map(said) if said else pd.to_numeric(column, errors="coerce")
    return np.nan_to_num(codes.to_numpy(float, na_value=0.0))


def _of_texts(table: Table) -> list[str]:
    """Columns of numbers written as text, and what else is in them."""
    if table.text is None:
        return []
    asked = []
    names = {table.arm, *table.columns("subgroups"), *(one.event for one in table.endpoints)}
    for name, counts in table.text.counts.items():
        if name in names:
            continue
        left = number_text.counts_in_words(
            counts, tuple(kind for kind in number_text.UNREAD if kind != number_text.MISSING)
        )
        if left:
            asked.append(
                f"{name} holds numbers written as text, and beside them {left}: correct these cells, or say under "
                "missing which of them mean missing; until then the run is refused."
            )
        else:
            read = number_text.counts_in_words(counts, (*number_text.READ[1:], number_text.MISSING))
            asked.append(f"{name} holds numbers written as text{f' ({read})' if read else ''}: is it a number?")
    asked += [
        f"{name} holds amounts that cannot be read: unclear thousands marks, several currencies, or a percent sign in "
        "some cells only. Write plain numbers; until then the run is refused."
        for name in table.text.unclear
    ]
    if table.text.marks:
        one = len(table.text.marks) == 1
        listed = ", ".join(map(repr, table.text.marks))
        asked.append(f"{'Does' if one else 'Do'} {listed} mean missing? `missing:` applies to every column.")
    asked += [
        f"{name} holds digits spelt like a code, such as with leading zeros: is it one?"
        for name in table.text.codes
        if name not in names
    ]
    return asked


def _of_the_arm(table: Table) -> list[str]:
    if table.arm is None:
        return []
    if table.reference:
        return [f"Is {table.reference} the arm that others are compared with? It is a guess, by its name."]
    levels = shared_levels(table.frame[table.arm])
    if levels and len(levels) > 2:
        among = ", ".join(levels)
        return [f"Which level of {table.arm} ({among}) are others compared with? {levels[0]} is a guess, the first in "
                "the alphabet: change arm_reference."]  # fmt: skip
    among = f" ({', '.join(levels)})" if levels else ""
    return [f"Which level of {table.arm}{among} are others compared with? Say so as arm_reference."]
