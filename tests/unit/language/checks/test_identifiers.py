"""Identifiers are recognised by kind, and canaries in whatever dress."""

import time

import pytest

import heorsynth as hs
from heorsynth.language.checks.identifiers import canaries_in, identifiers_in


@pytest.mark.parametrize("text, kind", [
    ("Mail anna.b@x.org", "e-mail"), ("see www.x.org", "web address"), ("from 10.0.0.1", "IP address"),
    ("Tel: 030 1234567", "telephone"), ("+44 20 7946 0018", "telephone"), ("(555) 123-4567", "telephone"),
    ("078-05-1120", "social security number"), ("MRN: 0012345", "record number"), ("DOB 1/2/50", "date of birth"),
    ("14 Elm Tree Road", "postal address"), ("GB29 NWBK 6016 1331 9268 19", "bank account"), ("Mrs. Smith", "name"),
    ("a woman named Ada", "name"), ("NHS number 943 476 5919", "record number"), ("D.O.B. 4.5.50", "date of birth"),
    ("Passport number: C01X00T47", "record number"), ("The patient, Maria Keller, agreed", "name"),
])  # fmt: skip
def test_an_identifier_is_recognised_by_its_kind(text: str, kind: str) -> None:
    assert identifiers_in(text) == (kind,)


def test_texts_of_the_templates_have_none(synthetic: "hs.Cohort") -> None:
    for kind in ("vignette", "summary", "questionnaire"):
        assert {identifiers_in(one.text) for one in hs.narrate(synthetic, kind)} == {()}


@pytest.mark.parametrize(
    "text", ["CANARY ADA 7319", "the canary\u2011ada_7319.", "Canary-\u200bAda-7319", "\uff23anary-Ada-7319"]
)
def test_a_canary_is_found_whatever_its_dress(text: str) -> None:
    assert canaries_in(text, ["Canary-Ada-7319", "98765.4321", ""]) == 1


def test_a_number_of_a_canary_is_found() -> None:
    assert canaries_in("cost 98765.4321 EUR", ["98765.4321"]) == 1


@pytest.mark.parametrize("piece", ["a", "1 ", "+1 ", "a@", "patient ", "12 elm ", "1.1.", "gb29 "])
def test_a_long_hostile_text_is_searched_in_linear_time(piece: str) -> None:
    begun = time.process_time()
    identifiers_in((piece * 100_000)[:100_000])
    assert time.process_time() - begun < 5
