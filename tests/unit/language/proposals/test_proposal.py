"""What a person accepts is written, read back, and nothing else."""

from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core.errors import OutputError, PaperError, ProposalError, UnknownNameError
from heorsynth.language.proposals.proposal import Proposal, ProposedFact

FILE = {
    "paper": 1,
    "title": "A trial",
    "citations": {"paper": "Smith A (2020) J Trials 1:1"},
    "arms": {
        "drug": {"n": "60", "source": {"section": "Abstract"}},
        "usual": {"n": "58", "source": {"section": "Abstract"}},
    },
    "endpoints": {
        "os": {
            "unit": "month",
            "medians": {"source": {"section": "Abstract"}, "arms": {"drug": {"value": "18.0", "high": "not reached"}}},
        }
    },
    "costs": {"total": {"source": {"table": "2"}, "currency": "EUR", "arms": {"drug": {"mean": "12,300"}}}},
}
MEDIAN = ("endpoints", "os", "medians", "arms", "drug")
FACTS = (
    ProposedFact("n.drug", {("arms", "drug", "n"): "60"}, ("Sixty and 58 patients.",)),
    ProposedFact("n.usual", {("arms", "usual", "n"): "58"}, ("Sixty and 58 patients.",)),
    ProposedFact(
        "os.median.drug", {(*MEDIAN, "value"): "18.0", (*MEDIAN, "high"): "not reached"}, ("18.0 months (not reached)",)
    ),
    ProposedFact(
        "cost.total.mean.drug", {("costs", "total", "arms", "drug", "mean"): "12,300"}, (), "12,300 is invented"
    ),
)
PROPOSAL = Proposal(FILE, FACTS, "openai:m", "1a2b")


def test_accepted_facts_are_written_and_read_with_the_same_digits(tmp_path: Path) -> None:
    path = PROPOSAL.accept(by="Anna", on="2026-11-30").write(tmp_path / "paper.yaml")
    paper = hs.published.read(path)
    frame = paper.to_frame().set_index("fact")
    assert frame["value"].to_dict() == {"n.drug": 60, "n.usual": 58, "os.median.drug": 18.0}
    assert frame.loc["os.median.drug", "rounding"] == 0.05 and frame.loc["os.median.drug", "high"] == float("inf")
    assert {one.accepted_by for one in paper.document.proposal.facts} == {"Anna"}
    assert "12,300" not in path.read_text(encoding="utf-8")


def test_only_what_a_person_accepted_is_written_and_each_fact_says_by_whom(tmp_path: Path) -> None:
    accepted = PROPOSAL.accept("n.drug", by="Anna", on="2026-11-29").accept("n.usual", by="Ben", on="2026-11-30")
    paper = hs.published.read(accepted.write(tmp_path / "paper.yaml"))
    assert paper.endpoints == () and paper.arms == ("drug", "usual")
    assert [one.accepted_by for one in paper.document.proposal.facts] == ["Anna", "Ben"]
    assert accepted.to_frame()["state"].tolist() == ["accepted", "accepted", "proposed", "refused"]


def test_a_draft_is_refused_until_it_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text(PROPOSAL.draft(), encoding="utf-8")
    with pytest.raises(PaperError, match=r"the model's proposal of 'os.median.drug' was accepted by nobody"):
        hs.published.read(tmp_path / "draft.yaml")
    with pytest.raises(ProposalError, match="nobody accepted a fact of it"):
        PROPOSAL.write(tmp_path / "paper.yaml")
    assert not (tmp_path / "paper.yaml").exists()


def test_a_fact_needs_the_patients_of_its_arm(tmp_path: Path) -> None:
    with pytest.raises(ProposalError, match="arms: is missing"):
        PROPOSAL.accept("os.median.drug", by="Anna", on="2026-11-30").write(tmp_path / "paper.yaml")


@pytest.mark.parametrize(
    ("facts", "by", "on", "reason"),
    [
        ("cost.total.mean.drug", "Anna", "2026-11-30", "12,300 is invented"),
        ("all", " ", "2026-11-30", "give the name of the person"),
        ("all", "Anna", "30.11.2026", "write it as 2026-11-30"),
    ],
)
def test_an_acceptance_needs_a_quoted_fact_a_person_and_a_day(facts: str, by: str, on: str, reason: str) -> None:
    with pytest.raises(ProposalError, match=reason):
        PROPOSAL.accept(facts, by=by, on=on)


def test_an_unknown_fact_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'n.drug'"):
        PROPOSAL.accept(["n.drugs"], by="Anna", on="2026-11-30")


def test_the_table_shows_fact_value_quote_and_checks_and_obeys_no_markup() -> None:
    marked = ProposedFact("n.drug", {("arms", "drug", "n"): "60"}, ("<script>alert(1)</script> 60\x1b[2J",))
    proposal = Proposal(FILE, (marked,), "openai:m", "1a2b")
    assert "<script>alert(1)" not in proposal._repr_html_() and "\x1b" not in repr(proposal)
    assert PROPOSAL.to_frame().loc[2, "value"] == "18.0 (not reached)" and "3 proposed, 1 refused" in repr(PROPOSAL)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        PROPOSAL.accept(by="Anna", on="2026-11-30").write(tmp_path / "none" / "paper.yaml")
