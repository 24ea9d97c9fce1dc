"""What to do about follow-up that only those with the event have."""

import numpy as np
import pandas as pd

from heorsynth.data.cohort.follow_up import combine_advice, known_for_events_only, last_seen_columns

FRAME = pd.DataFrame(
    {
        "death_day": [5.0, np.nan, 7.0, np.nan],
        "last_contact": [5.0, 9.0, 7.0, 8.0],
        "last_change": [1.0, -2.0, 3.0, 4.0],
        "last_name": list("abcd"),
        "age": [50.0, 60, 70, 80],
    }
)
EVENT = np.array([1, 0, 1, 0])


def test_a_last_follow_up_is_a_column_of_its_name_with_numbers_from_0_up() -> None:
    gaps = FRAME["death_day"].isna().to_numpy()
    assert last_seen_columns(FRAME, "death_day", gaps) == ["last_contact"]
    assert last_seen_columns(FRAME, "death_day", gaps, besides=["last_contact"]) == []


def test_times_missing_for_those_with_the_event_are_another_matter() -> None:
    assert known_for_events_only(FRAME["death_day"].to_numpy(), EVENT)
    assert not known_for_events_only(FRAME["death_day"].to_numpy(), 1 - EVENT)
    assert not known_for_events_only(np.array([1.0, 2.0]), np.array([1, 0]))


def test_the_remedy_names_the_column_and_what_dropping_rows_would_lose() -> None:
    told = combine_advice(FRAME, "death_day", EVENT)
    assert "frame['time'] = frame['death_day'].fillna(frame['last_contact'])" in told
    assert "would lose 2 of 2 patients without the event" in told
    assert "fillna(frame['last_follow_up'])" in combine_advice(FRAME[["death_day", "age"]], "death_day", EVENT)
