"""The ledger: who came, left and changed between releases, what is refused, and files that are damaged or shared."""

import json
import stat
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from heorsynth.core import errors
from heorsynth.core.secret import ReleaseKey
from heorsynth.data.labels.ledger import FEWEST, Ledger, LedgerEntry, packed, read_ledger, record

KEY, OTHER = ReleaseKey(b"k" * 32), ReleaseKey(b"o" * 32)


def entry(
    ids: "range | list[int]", rows: "list[int] | None" = None, name: str = "first", **more: object
) -> LedgerEntry:
    """A release of the patients with these numbers; a patient's row is his number unless `rows` says otherwise."""
    order = np.argsort(ids)
    people = np.array(ids, dtype=np.uint64)[order]
    held = people if rows is None else np.array(rows, dtype=np.uint64)[order]
    facts = {"date": "2026-11-29", "level": "shared", "run": name, "release": "abcd", "protocol": "", "source": name}
    return LedgerEntry(**{**facts, "columns": "all", "ids": packed(people), "rows": packed(held), **more})


def unnamed(rows: "range | list[int]", name: str = "first", **more: object) -> LedgerEntry:
    return replace(entry(rows, name=name, **more), ids="")


FIRST = entry(range(100))


@pytest.mark.parametrize(
    ("now", "came", "left", "changed", "differ"),
    [
        (entry(range(100)), 0, 0, 0, 0),
        (entry(range(99)), 0, 1, 0, 1),
        (entry(range(3, 107)), 7, 3, 0, 10),
        (entry(range(100), [*range(95), *range(500, 505)]), 0, 0, 5, 5),
        (entry(range(99), list(range(500, 599))), 0, 1, 99, 1),
        (entry(range(99), list(range(500, 599)), columns="fewer"), 0, 1, None, 1),
        (entry(range(200, 300)), 100, 100, 0, 200),
    ],
)
def test_patients_with_ids_are_followed_one_by_one(
    now: LedgerEntry, came: int, left: int, changed: "int | None", differ: int
) -> None:
    (found,) = Ledger((FIRST,)).changes(replace(now, run="second"))
    assert (found.came, found.left, found.changed, found.differ) == (came, left, changed, differ)


def test_rows_without_ids_are_compared_as_a_multiset() -> None:
    (found,) = Ledger((unnamed([1, 1, 2, 3]),)).changes(unnamed([1, 2, 2, 4]))
    assert (found.shared, found.came, found.left, found.changed, found.differ) == (2, 2, 2, None, 2)


@pytest.mark.parametrize("level", ["shared", "public"])
@pytest.mark.parametrize("way", ["left", "came", "changed"])
def test_a_difference_of_one_to_k_minus_one_patients_is_refused_and_k_or_none_is_not(level: str, way: str) -> None:
    ledger, k = Ledger((replace(FIRST, level=level),)), FEWEST[level]

    def after(n: int) -> LedgerEntry:
        rows = [*range(100 - n), *range(900, 900 + n)]
        made = {"left": entry(range(n, 100)), "came": entry(range(100 + n)), "changed": entry(range(100), rows)}[way]
        return replace(made, level=level, run="second", source="second")

    for n in (0, k, k + 1):
        assert ledger.require(after(n))
    for n in (1, k - 1):
        with pytest.raises(errors.LedgerError) as caught:
            ledger.require(after(n))
        said = str(caught.value)
        assert f"{n} patient" in said and f"fewer than {k}" in said and "first of 2026-11-29" in said
    assert ledger.require(after(3), fewest=3) and (k == 10) == (FEWEST["public"] != k)


def test_noise_that_covers_the_difference_allows_it_and_only_where_both_releases_have_it() -> None:
    old, new = replace(FIRST, noise_covers=3), entry(range(97), name="second", noise_covers=3)
    assert Ledger((old,)).require(new)
    for before, now in ((FIRST, new), (old, replace(new, noise_covers=0)), (old, entry(range(96), noise_covers=3))):
        with pytest.raises(errors.LedgerError):
            Ledger((before,)).require(now)


def test_internal_releases_are_neither_refused_nor_held_against_others() -> None:
    second = entry(range(99), name="second")
    assert Ledger((replace(FIRST, level="internal"),)).require(second)
    assert "internal release is not compared" in Ledger((FIRST,)).require(replace(second, level="internal"))


def test_sources_that_share_nobody_are_allowed_and_this_is_said() -> None:
    for old, new in ((FIRST, entry(range(200, 205), name="second")), (unnamed([1, 2]), unnamed([3], "second"))):
        assert "It shares nobody with first of 2026-11-29." in Ledger((old,)).require(new)


def test_other_columns_without_ids_cannot_be_compared_and_are_refused() -> None:
    with pytest.raises(errors.LedgerError, match=r"its columns are others[\s\S]*declare the id"):
        Ledger((unnamed(range(50)),)).require(unnamed(range(50), "second", columns="fewer"))


def test_a_budget_is_spent_by_releases_of_the_same_patients_and_by_equal_ones_once() -> None:
    first, other = replace(FIRST, spent={"mu": 0.6}), entry(range(500, 600), name="other", spent={"mu": 9.0})
    ledger, new = Ledger((first, other)), entry(range(100), name="second", source="b", spent={"mu": 0.8})
    assert "Privacy budget spent on these patients: mu 1 of mu 1." in ledger.require(new, budget={"mu": 1.0})
    with pytest.raises(errors.LedgerError, match=r"mu 0\.6 is spent, this release asks mu 0\.8"):
        ledger.require(new, budget={"mu": 0.99})
    with pytest.raises(errors.LedgerError, match=r"budget of these patients is mu 0\.9"):
        Ledger(ledger.entries, {"mu": 0.9}).require(new, budget={"mu": 5.0})
    assert "mu 0.6 of" in ledger.require(replace(new, source="first", spent={"mu": 0.6}), budget={"mu": 0.6})
    with pytest.raises(errors.LedgerError, match="does not state what it spends"):
        ledger.require(replace(new, spent=None), budget={"mu": 5.0})
    assert "not stated" in ledger.require(replace(new, spent=None))


def test_a_ledger_is_written_for_its_owner_alone_and_read_with_its_key(tmp_path: Path) -> None:
    file = tmp_path / "l.jsonl"
    assert read_ledger(file, KEY) == Ledger()
    first = replace(FIRST, spent={"mu": 1.0})
    record(file, KEY, first, budget={"mu": 2.0})
    record(file, KEY, replace(first, date="2026-12-01"))  # the same release again
    record(file, KEY, entry(range(50), name="second", spent={"mu": 1.0}))
    found = read_ledger(file, KEY)
    assert [one.run for one in found.entries] == ["first", "second"] and found.budget == {"mu": 2.0}
    assert found.entries[0] == first and stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_refused_release_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "l.jsonl"
    record(file, KEY, FIRST)
    before = file.read_bytes()
    with pytest.raises(errors.LedgerError):
        record(file, KEY, entry(range(99), name="second"))
    assert file.read_bytes() == before


def test_a_ledger_of_another_key_names_both_ids(tmp_path: Path) -> None:
    record(tmp_path / "l", KEY, FIRST)
    for call in (lambda: read_ledger(tmp_path / "l", OTHER), lambda: record(tmp_path / "l", OTHER, FIRST)):
        with pytest.raises(errors.FileError) as caught:
            call()
        assert KEY.id in str(caught.value) and OTHER.id in str(caught.value) and "--release-key" in str(caught.value)


def test_a_line_that_is_damaged_changed_moved_or_removed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "l"
    for number in range(3):
        record(file, KEY, entry(range(100 * number, 100 * number + 50), name=f"r{number}"))
    lines = file.read_bytes().splitlines(keepends=True)
    forged = json.loads(lines[2])
    forged["of"]["noise_covers"] = 50
    spoilt = {
        3: [b"".join([*lines[:2], json.dumps(forged, sort_keys=True).encode() + b"\n", lines[3]]),
            b"".join([*lines[:2], lines[3]]), b"".join([*lines[:2], b"\xff\xfe\n"]), b"".join([*lines[:2], b"[1]\n"]),
            b"".join([*lines[:2], lines[3], lines[2]]), b"".join([*lines[:2], lines[2][:90]])],
        1: [b"patients\n", lines[0].replace(b"null", b'{"mu": 9}')],
    }  # fmt: skip
    for number, contents in spoilt.items():
        for content in contents:
            file.write_bytes(content)
            with pytest.raises(errors.FileError, match=f"line {number}: damaged, changed or incomplete"):
                read_ledger(file, KEY)


def _write(work: tuple[Path, int]) -> None:
    record(work[0], KEY, entry(range(100 * work[1], 100 * work[1] + 50), name=f"r{work[1]}"))


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_write, [(tmp_path / "l", number) for number in range(24)]))
    assert {one.run for one in read_ledger(tmp_path / "l", KEY).entries} == {f"r{number}" for number in range(24)}


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(errors.OutputError, match="cannot be written"):
        record(tmp_path, KEY, FIRST)
    with pytest.raises(errors.FileError, match="cannot be read"):
        read_ledger(tmp_path, KEY)


def test_no_hash_is_shown() -> None:
    assert FIRST.rows[:8] not in repr(FIRST) + repr(Ledger((FIRST,)))
