"""What `init` cannot know and asks, in words that name columns and no patient's value."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.identity import looks_like_dates, repeats_evenly
from heorsynth.data.inspection import says_censoring
from heorsynth.data.source_checks import COUNT_DAYS
from heorsynth.protocol import vocabulary as words
from heorsynth.protocol.draft import Table, needs_coding
from heorsynth.protocol.guess import (
    guess_currency,
    guess_unit,
    is_named,
    names_in,
    shared_levels,
    why_no_event,
    why_no_time,
)


def questions(table: Table) -> list[str]:
    """The questions of a file, the gravest first."""
    asked = [
        f"Each value of {name} stands in equally many rows. Is every row another patient? If not, combine rows first."
        for name in names_in(table.frame)
        if repeats_evenly(table.frame[name])
    ]
    if table.others:
        asked.append(f"Of several parameters one was taken; the others are {', '.join(table.others)}: change param.")
    asked += _of_endpoints(table) + _of_times(table) + _of_the_arm(table)
    if table.columns("costs"):
        known = guess_currency(table.columns("costs"))
        asked.append(f"Give the {'' if known else 'currency and '}price year of the costs.")
    return asked


def _of_endpoints(table: Table) -> list[str]:
    if table.brought:
        return []
    if not table.endpoints:
        return [_why_none(table.frame)]
    asked = []
    for endpoint in table.endpoints:
        column = table.frame[endpoint.event]
        if says_censoring(endpoint.event):
            asked.append(
                f"{endpoint.event} speaks of censoring: does 1 mean censored, or the event? Uncomment the event_map "
                "that is right; until then the run is refused."
            )
        elif not types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
            asked.append(f"No 0 in {endpoint.event}, which is text: uncomment event_map and say which is censored.")
        elif needs_coding(column):
            asked.append(f"No 0 in {endpoint.event}: uncomment event_map and say which code is censored.")
    return asked


def _why_none(frame: pd.DataFrame) -> str:
    """No endpoint was recognised, and for each column that was considered, why not."""
    times = [(name, why_no_time(frame[name])) for name in names_in(frame) if is_named(name, words.TIME)]
    events = [(name, why_no_event(frame[name])) for name in names_in(frame) if is_named(name, words.EVENT)]
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
        low, unknown = int((values <= 0).sum()), int(np.isnan(values).sum())
        wrong = [f"{count} are {what}" for count, what in ((low, "0"), (unknown, "missing")) if count]
        if wrong:
            asked.append(
                f"Of {len(values)} follow-ups in {endpoint.time} {' and '.join(wrong)}, so the run will be refused: "
                "find the true ones, drop those rows, or count a death on the first day as half a day."
            )
    if table.endpoints and not guess_unit((table.endpoints[0].time,)):
        asked.append(f"In which unit is {table.endpoints[0].time}? Day is a guess.")
    if table.brought and "unit" not in table.brought:
        asked.append("In which unit is AVAL? Day is a guess: AVALU does not say.")
    return asked


def _of_the_arm(table: Table) -> list[str]:
    if table.arm is None:
        return []
    if table.reference:
        return [f"Is {table.reference} the arm that others are compared with? It is a guess, by its name."]
    levels = shared_levels(table.frame[table.arm])
    among = f" ({', '.join(levels)})" if levels else ""
    return [f"Which level of {table.arm}{among} are others compared with? Say so as arm_reference."]
