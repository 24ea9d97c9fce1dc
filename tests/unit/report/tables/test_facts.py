"""The table of a paper's facts: every one with its place, citation and use."""

from heorsynth.published.trial.trial import PublishedTrial
from heorsynth.report.tables.facts import facts_table


def test_every_fact_has_its_place_its_citation_and_its_use(printed_trial) -> None:
    trial = PublishedTrial.read(printed_trial.path).with_options({"endpoints": "os"})
    frame = facts_table(trial).to_frame().set_index("fact")
    assert len(frame) == len(trial.facts) and (frame["place"] != "").all() and (frame["citation"] == "smith").all()
    assert frame.loc["os.events.drug", "use"] == "constraint" and frame.loc["os.median.drug", "use"] == "left to test"


def test_it_shows_values_as_printed_and_intervals(printed_trial) -> None:
    trial = PublishedTrial.read(printed_trial.path).with_options({"endpoints": "os"})
    table = facts_table(trial)
    shown = {row[0]: row for row in table.card.rows}
    assert shown["os.curve.drug"][1] == "points" and shown["os.median.drug"][1].endswith(" month")
    assert " to " in shown["os.hr.drug/usual"][2] and shown["table1.age.iqr.usual"][2] == "55 to 69"
    assert "Smith A" in table.card.note
