"""The stored error rates meet their goals on forms that the rules were not written for, and are those of the code."""

import runpy
import sys
from pathlib import Path

import pytest

from heorsynth.estimators.basics.proportions import proportion
from heorsynth.language.checks.rates import false_alarms, of_sets, recall, stored
from heorsynth.language.reading.compare import CONTRADICTED, FABRICATED, KINDS, OMITTED

BENCHMARKS = Path(__file__).resolve().parents[4] / "benchmarks"


def pooled(part: str, end: str) -> float:
    held = [counts for name, counts in stored()["held-out"][part].items() if name.endswith(end)]
    return sum(found for found, _ in held) / sum(n for _, n in held)


@pytest.mark.parametrize("kind", KINDS)
def test_recall_of_held_out_forms_reaches_its_goal(kind: str) -> None:
    assert pooled("found", f" {kind}") >= 0.95


def test_false_alarms_of_held_out_forms_stay_below_their_goal_in_every_kind_of_slot(
    benchmark: dict[str, object],
) -> None:
    held = stored()["held-out"]["alarms"]
    slots = {name: counts for name, counts in held.items() if name not in benchmark["NOT_SLOTS"]}
    assert {"age", "status", "other"} < set(slots)
    assert [name for name, (alarms, n) in slots.items() if alarms > 0.02 * n] == []


@pytest.mark.parametrize("check", ["contamination", "memorised", "canaries", "identifiers"])
def test_checks_of_single_texts_find_what_is_planted(check: str) -> None:
    assert recall(check).value >= 0.95 and false_alarms(check).value <= 0.02


def test_checks_of_sets_err_as_a_95_percent_interval_may() -> None:
    found = of_sets("pairs: tone", proportion(1, 2))
    assert found.recall.value == 1 and found.adjusted == 0.5, "a difference is not corrected for rates of sets"
    sets = [part for name, part in stored()["held-out"]["alarms"].items() if name.startswith(("pairs", "drift of"))]
    assert len(sets) == 6 and sum(alarms for alarms, _ in sets) <= 0.07 * sum(n for _, n in sets)
    assert of_sets("drift of age omitted", proportion(1, 2)).recall is None, "no rate was measured"


def test_near_duplicates_reach_their_goal() -> None:
    assert recall("duplicates").value >= 0.99 and false_alarms("duplicates").value <= 0.02


def test_a_rate_is_that_of_its_slot_or_of_all_slots() -> None:
    found, planted = stored()["held-out"]["found"][f"age {CONTRADICTED}"]
    assert recall("age", CONTRADICTED).count == found and recall("age", CONTRADICTED).n_used == planted
    assert recall("no such kind", OMITTED).value == pooled("found", f" {OMITTED}")
    assert false_alarms("no such kind").n_used == stored()["held-out"]["alarms"]["text"][1]


@pytest.fixture(scope="module")
def benchmark() -> dict[str, object]:
    pytest.importorskip("datasketch")
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return runpy.run_path(str(BENCHMARKS / "text_checks.py"))
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.filterwarnings("ignore:[0-9,]+ rows rest on")
@pytest.mark.parametrize("name", ["seen", "second-look", "held-out"])
def test_a_small_run_of_the_benchmark_gives_the_stored_rates_up_to_chance(
    name: str, benchmark: dict[str, object]
) -> None:
    held = benchmark["sheet"](240, 77)
    forms, invented, _ = benchmark["BANKS"][name]()
    planted = benchmark["plant"](held, forms, invented, 77, ["", OMITTED, CONTRADICTED, FABRICATED])
    counts = benchmark["measured"](held, planted)
    missed = sum(counts["planted"].values()) - sum(counts["found"].values())
    assert sum(counts["planted"].values()) == 180 and missed <= 6
    assert sum(counts["alarms"].values()) <= 0.02 * sum(counts["asked"].values())


def test_the_page_shows_the_stored_rates(benchmark: dict[str, object]) -> None:
    page = (BENCHMARKS.parent / "docs" / "language.md").read_text(encoding="utf-8")
    assert benchmark["table"](stored()) in page


def test_every_bank_has_twenty_forms_of_every_slot_and_no_form_of_another_bank(benchmark: dict[str, object]) -> None:
    banks = {name: make()[0] for name, make in benchmark["BANKS"].items()}
    joint = {"outcome_event", "outcome_none"}
    for name, forms in banks.items():
        assert {kind for kind, held in forms.items() if len(set(held)) < 20} <= joint, name
    for kind in banks["seen"]:
        assert not set(banks["held-out"][kind]) & {*banks["seen"][kind], *banks["second-look"][kind]}, kind


def test_a_near_copy_lies_just_above_the_limit(benchmark: dict[str, object]) -> None:
    from heorsynth.language.checks.duplicates import jaccard, shingles

    text = " ".join(f"w{at}" for at in range(120))
    both, n = benchmark["near_copies"]([text], 5)
    assert n == 1 and 0.8 <= jaccard(shingles(both[0]), shingles(both[1])) < 0.85
