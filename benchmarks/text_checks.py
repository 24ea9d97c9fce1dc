"""Error rates of the checks of text: faults are planted in texts from forms, and counted where they are found.

    python benchmarks/text_checks.py --texts 2000 --seed 11 --write

There are three sets of forms. "seen": the package's own; the rules were written with them at hand. "second-look":
`held_out_forms.toml`, written after the rules, which were then changed for what they showed. "held-out":
`final_forms.toml`, written after the last change. `--write` stores the rates beside the package's checks, which show
those of "held-out" with every finding.
"""

import argparse
import json
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from text_set_checks import near_copies, set_checks

import heorsynth as hs
from heorsynth.core.random import stream
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.language.checks.duplicates import near_duplicates
from heorsynth.language.checks.identifiers import identifiers_in
from heorsynth.language.facts.sheet import (
    AGE,
    DATE,
    FLAG,
    LEVEL,
    SEX,
    STATUS,
    TREATMENT,
    Sheet,
    Slot,
    sheet_of,
)  # fmt: skip
from heorsynth.language.narratives.writer import Writer, forms_of
from heorsynth.language.reading.compare import BEYOND, CONTRADICTED, FABRICATED, OMITTED, Fault, Reader

HERE = Path(__file__).resolve().parent
STORED = HERE.parent / "heorsynth" / "language" / "checks" / "error_rates.json"
HELD_OUT, FINAL = HERE / "held_out_forms.toml", HERE / "final_forms.toml"

SEEN_INVENTIONS = (
    "{subject} had a history of diabetes.", "{subject} also took aspirin.", "A biopsy was done.",
    "Creatinine was 88 µmol/L.", "{subject} reported severe headache.", "{possessive} blood pressure was 140 mmHg.",
    "{subject} was hospitalised once.", "{subject} smoked 20 cigarettes a day.", "Pneumonia was diagnosed.",
    "{subject} had surgery on 2021-05-04.",
)  # fmt: skip
"""Sentences of the development of the rules: each states what no slot holds."""


def source(n: int, seed: int) -> "hs.Cohort":
    """A made-up cohort with a slot of every kind."""
    rng = stream(seed, "text checks", "source")
    frame = pd.DataFrame({
        "time": rng.integers(40, 4000, n),
        "event": rng.integers(0, 2, n),
        "trt": rng.choice(["azathioprine", "placebo"], n),
        "sex": rng.choice(["f", "m"], n),
        "age": np.round(rng.normal(60, 10, n).clip(20, 95), 1),
        "stage": rng.integers(1, 5, n),
        "ascites": rng.integers(0, 2, n),
        "hepato": rng.integers(0, 2, n),
        "bili": np.round(rng.lognormal(0.7, 0.7, n), 2),
        "albumin": np.round(rng.normal(35, 5, n), 1),
        "cost": np.round(rng.gamma(2, 6000, n) + 100, 2),
        "qaly": np.round(rng.uniform(0.2, 6, n), 3),
        "seen": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 2500, n), unit="D"),
    })  # fmt: skip
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="trt", costs=["cost"], utilities=["qaly"],
        subgroups=["sex"], currency="EUR", kind={"seen": "date"}, levels={"stage": [1, 2, 3, 4]},
    )  # fmt: skip


def sheet(n: int, seed: int) -> Sheet:
    """The facts of a synthetic cohort drawn from it."""
    drawn = hs.generators.create("marginals").fit(source(400, seed), seed=seed).sample(n=n, m=1, seed=seed)[0]
    return sheet_of(drawn, units={"bili": "mg/dL", "albumin": "g/L"}, names={"seen": "first visit", "cost": "cost"})


def other_value(slot: Slot, value: float | str, rng: np.random.Generator) -> float | str:
    """A value that a text prints otherwise: another level, or a number that is off by a fifth to threefold."""
    if slot.kind in (SEX, LEVEL, TREATMENT, FLAG, STATUS):
        return str(rng.choice([level for level in slot.levels if level != value]))
    number = float(value)
    if slot.kind == AGE:
        return float(np.floor(number) + rng.choice([-14, -9, -6, -3, 3, 6, 9, 14]))
    if slot.kind == DATE:
        return number + float(rng.choice([-400, -60, -31, -2, 2, 31, 60, 400]))
    for _ in range(50):
        changed = number * float(rng.choice([0.35, 0.5, 0.8, 1.25, 2.0, 3.0]))
        if slot.written(changed) != slot.written(number):
            return changed
    return number + 1.0


@dataclass(frozen=True)
class Planted:
    """A text, the facts it is compared with, and the fault planted in it (None: none)."""

    text: str
    facts: Mapping[str, float | str]
    fault: Fault | None


def plant(
    held: Sheet, forms: Mapping[str, Sequence[str]], invented: Sequence[str], seed: int, kinds: Sequence[str]
) -> list[Planted]:
    """A text of each row, in turn without a fault and with one of each kind, in a slot drawn at random.

    Half of the texts tell age and sex, and outcome and time, in one sentence; the others each in one of its own.
    """
    apart = {name: held for name, held in forms.items() if name.partition("_")[0] not in ("opening", "outcome")}
    writers, made = (Writer(held, forms), Writer(held, apart)), []
    for at, row in enumerate(held.rows):
        rng = stream(seed, "text checks", "plant", at)
        kind = kinds[at % len(kinds)]
        slot = held.slots[int(rng.integers(len(held.slots)))]
        facts, told = dict(row), dict(row)
        fault = Fault(slot.key, kind) if kind else None
        if slot.key not in row:
            kind, fault = "", None
        if kind == OMITTED:
            told.pop(slot.key)
        elif kind == CONTRADICTED:
            told[slot.key] = other_value(slot, row[slot.key], rng)
        elif kind == FABRICATED and (slot.kind == STATUS or rng.random() < 0.5):
            fault = Fault(BEYOND, FABRICATED)
        elif kind == FABRICATED:
            facts.pop(slot.key)
        text = writers[int(rng.integers(2))].text(told, rng)
        if fault is not None and fault.slot == BEYOND:
            sentence = invented[int(rng.integers(len(invented)))]
            words = {"subject": "The patient", "possessive": "The patient's"}
            parts = text.split(". ")
            place = int(rng.integers(1, len(parts)))
            added = sentence.format(**words).rstrip(".")
            if added.startswith(","):
                parts[place - 1] += added
                text = ". ".join(parts)
            else:
                text = ". ".join([*parts[:place], added, *parts[place:]])
        made.append(Planted(text, facts, fault))
    return made


def measured(held: Sheet, planted: Sequence[Planted]) -> dict[str, Counter[str]]:
    """Counts by kind of slot and of fault: planted, found; by kind of slot: asked, alarms; likewise of whole texts."""
    reader, kind_of = Reader(held), {slot.key: slot.kind for slot in held.slots} | {BEYOND: BEYOND}
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("planted", "found", "asked", "alarms")}
    for one in planted:
        faults = set(reader.faults(one.text, one.facts))
        if one.fault is not None:
            name = f"{kind_of[one.fault.slot]} {one.fault.kind}"
            counts["planted"][name] += 1
            counts["found"][name] += one.fault in faults
        spoiled = one.fault.slot if one.fault is not None else None
        for slot in (*held.slots, None):
            key = BEYOND if slot is None else slot.key
            if key != spoiled:
                counts["asked"][kind_of[key]] += 1
                counts["alarms"][kind_of[key]] += any(fault.slot == key for fault in faults)
        if one.fault is None:
            counts["asked"]["text"] += 1
            counts["alarms"]["text"] += bool(faults)
    return counts


PERSONAL = (
    "Mr. Osborne rang the ward.", "Write to anna.k@example.org.", "Phone: 020 7946 0018.", "MRN 00482917.",
    "DOB: 12/03/1951.", "She lives at 14 Elm Tree Road.", "SSN 078-05-1120.", "Her name is Carla.",
    "See www.example.org for her page.", "IBAN GB29 NWBK 6016 1331 9268 19.", "Call +44 20 7946 0018 at night.",
    "NHS number 943 476 5919.", "Patient ID: A12345.", "Dr Patel signed the form.", "Login from 192.168.4.21 was seen.",
    "Passport no. X9876543.", "His daughter, named Ida, came along.", "Fax 030-1234567.", "Born on 4 May 1950.",
    "Letters go to 221b Baker Street.",
)  # fmt: skip
"""Sentences with an identifier."""


def other_checks(texts: Sequence[str], personal: Sequence[str], seed: int) -> dict[str, Counter[str]]:
    """Counts, as `measured`, of the checks of near duplicates and of identifiers; `texts` have neither."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("planted", "found", "asked", "alarms")}
    both, n = near_copies(texts, seed)
    found = {(pair.first, pair.second) for pair in near_duplicates(both)}
    counts["planted"]["duplicates"], counts["found"]["duplicates"] = n, sum((at, at + n) in found for at in range(n))
    before = near_duplicates(texts)
    counts["asked"]["duplicates"] = n
    counts["alarms"]["duplicates"] = len({at for pair in before for at in (pair.first, pair.second)})
    for at, text in enumerate(texts):
        planted = f"{text} {personal[at % len(personal)]}"
        counts["planted"]["identifiers"] += 1
        counts["found"]["identifiers"] += bool(identifiers_in(planted))
        counts["asked"]["identifiers"] += 1
        counts["alarms"]["identifiers"] += bool(identifiers_in(text))
    return counts


def rates(counts: Mapping[str, Counter[str]]) -> dict[str, dict[str, list[int]]]:
    """Counts as they are stored: found and planted by kind of slot and of fault; alarms and slots asked."""
    found = {name: [counts["found"][name], n] for name, n in sorted(counts["planted"].items())}
    alarms = {name: [counts["alarms"][name], n] for name, n in sorted(counts["asked"].items())}
    return {"found": found, "alarms": alarms}


SETS = ("contamination", "memorised", "canaries", "pairs: words", "pairs: tone", "pairs: facts stated",
        "drift of any fault", "drift of length", "drift of vocabulary")  # fmt: skip
NOT_SLOTS = ("text", "duplicates", "identifiers", *SETS)


def told(stored: Mapping[str, Mapping[str, Sequence[int]]]) -> str:
    """The rates of one set of forms, as lines."""
    lines = []
    for kind in (OMITTED, CONTRADICTED, FABRICATED):
        parts = [n for name, n in stored["found"].items() if name.endswith(kind)]
        lines.append(f"{kind}: recall {proportion(sum(p[0] for p in parts), sum(p[1] for p in parts))}")
    slots = [n for name, n in stored["alarms"].items() if name not in NOT_SLOTS]
    lines.append(f"false alarms a slot {proportion(sum(p[0] for p in slots), sum(p[1] for p in slots))}")
    for name in NOT_SLOTS[1:]:
        lines.append(f"{name}: recall {proportion(*stored['found'][name])}, "
                     f"false alarms {proportion(*stored['alarms'][name])}")  # fmt: skip
    lines.append(f"texts without a fault that have an alarm {proportion(*stored['alarms']['text'])}")
    low = [f"{name} {a}/{n}" for name, (a, n) in stored["found"].items() if a < 0.95 * n and name not in SETS]
    high = [f"{name} {a}/{n}" for name, (a, n) in stored["alarms"].items() if a > 0.02 * n and name not in SETS]
    return "\n".join([*lines, f"recall below .95: {', '.join(low) or 'none'}",
                      f"alarms above .02: {', '.join(high) or 'none'}"])  # fmt: skip


def table(stored: Mapping[str, object]) -> str:
    """The stored rates as the table of docs/language.md."""
    lines = ["| rate (95% interval) | " + " | ".join(BANKS) + " |", "|---|" + "---|" * len(BANKS)]

    def line(name: str, part: str, chosen: Callable[[str], bool]) -> None:
        cells = []
        for which in BANKS:
            held = [counts for key, counts in stored[which][part].items() if chosen(key)]
            one = proportion(sum(n[0] for n in held), sum(n[1] for n in held))
            cells.append(f"{one.value:.4f} ({one.low:.4f} to {one.high:.4f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")

    for kind in (OMITTED, CONTRADICTED, FABRICATED):
        line(f"recall, {kind}", "found", lambda key, kind=kind: key.endswith(f" {kind}"))
    line("false alarms, a slot of a text", "alarms", lambda key: key not in NOT_SLOTS)
    for kind in sorted(kind for kind in stored["held-out"]["alarms"] if kind not in NOT_SLOTS):
        line(f"– {kind}", "alarms", lambda key, kind=kind: key == kind)
    line("texts without a fault in which one is found", "alarms", lambda key: key == "text")
    for name in NOT_SLOTS[1:]:
        line(f"recall, {name}", "found", lambda key, name=name: key == name)
        line(f"false alarms, {name}", "alarms", lambda key, name=name: key == name)
    return "\n".join(lines)


def bank(path: Path) -> tuple[dict[str, list[str]], list[str], Sequence[str]]:
    """The forms of a file, its sentences of inventions, and those with identifiers."""
    facts = tomllib.loads(path.read_text(encoding="utf-8"))
    return facts["vignette"], facts["inventions"]["sentences"], facts.get("identifiers", {}).get("sentences", PERSONAL)


BANKS = {
    "seen": lambda: (forms_of("vignette", "en"), SEEN_INVENTIONS, PERSONAL),
    "second-look": lambda: bank(HELD_OUT),
    "held-out": lambda: bank(FINAL),
}
"""The sets of forms: the package's own; those after which the rules were changed; those of the first look."""

OTHER = {"seen": "held-out", "second-look": "seen", "held-out": "seen"}
"""The forms of the corpus, and of the release to which texts drift."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--forms", choices=list(BANKS), nargs="*", default=list(BANKS))
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    held = sheet(asked.texts, asked.seed)
    stored: dict[str, object] = {"texts": asked.texts, "seed": asked.seed}
    for name in asked.forms:
        begun = time.process_time()
        forms, invented, personal = BANKS[name]()
        planted = plant(held, forms, invented, asked.seed, ["", OMITTED, CONTRADICTED, FABRICATED])
        made = time.process_time()
        counts = measured(held, planted)
        pace_read = time.process_time()
        others = other_checks([one.text for one in planted if one.fault is None], personal, asked.seed)
        few = replace(held, rows=held.rows[:600], ids=held.ids[:600])
        sets = set_checks(few, forms, BANKS[OTHER[name]]()[0], asked.sets, asked.seed)
        stored[name] = rates({part: counts[part] + others[part] + sets[part] for part in counts})
        pace = [1000 * seconds / asked.texts for seconds in (made - begun, pace_read - made)]
        print(f"== {name}\n{told(stored[name])}\n{pace[0]:.2f} ms a text written, {pace[1]:.2f} ms read")
    if asked.write:
        STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(table(stored))
    return 0


if __name__ == "__main__":
    sys.exit(main())
