"""Rows from a law: bands and totals computed, rare levels waited for, values never lost, copies never marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest

from heorsynth.core.errors import GeneratorError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.columns.schema import Band, Schema
from heorsynth.data.labels.watermark import NO_MARK
from heorsynth.generators.sampling.calibration import Aim
from heorsynth.generators.sampling.row_maker import OVERDRAW, RowMaker

SCHEMA = Schema(
    {}, arm="arm", costs=("cost",), bands={"group": Band("age", (50,), ("young", "old"))},
    totals={"cost": ("drugs", "stay")},
)  # fmt: skip

SOURCE = pd.DataFrame({
    "group": ["young", "old"] * 10, "cost": [3.5, 7.5] * 10, "age": [49, 50] * 10, "arm": ["new", "usual"] * 10,
    "drugs": [1.5, 2.5] * 10, "stay": [2.0, 5.0] * 10, "note": [np.nan, 1.0] * 10,
})  # fmt: skip
DRAWN = SOURCE.drop(columns=["group", "cost"])


def domain(source: pd.DataFrame = SOURCE, schema: Schema = SCHEMA) -> Domain:
    return Domain.of(Cohort.derive(schema, source, label=None))


@dataclass
class Repeating:
    """A law whose rows are those of a frame, over and over; it notes what was asked of it."""

    frame: pd.DataFrame
    conditional: bool = False
    asked: list[tuple[int, dict[str, str] | None]] = field(default_factory=list)

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.asked.append((n, None if where is None else dict(where)))
        frame = self.frame
        for name, level in (where or {}).items():
            frame = frame[frame[name] == level]
        return frame.iloc[np.resize(np.arange(len(frame)), n)]


def maker(law: Repeating | None = None, **given: object) -> RowMaker:
    return RowMaker("test", domain(), law or Repeating(DRAWN), **given)  # type: ignore[arg-type]


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_rows_have_their_bands_and_totals_in_the_column_order_of_the_source() -> None:
    found = maker().draw(5, rng(), {})
    pd.testing.assert_frame_equal(found, SOURCE[:5])


def test_a_band_begins_at_its_edge() -> None:
    law = Repeating(DRAWN.assign(age=[49, 50, 51, 20] * 5))
    assert maker(law).draw(4, rng(), {})["group"].tolist() == ["young", "old", "old", "young"]


def test_a_total_is_rounded_as_its_parts_were_and_unknown_where_a_part_is() -> None:
    parts = pd.DataFrame({"drugs": [0.1, 1.0, 2e10 + 0.1234567], "stay": [0.2, np.nan, 0.0], "cost": [9.0] * 3})
    found = maker().with_totals(parts)["cost"]
    assert found[0] == 0.3, "0.1 + 0.2 is 0.30000000000000004"
    assert np.isnan(found[1])
    assert found[2] == 2e10 + 0.1234567, "so large a number has no six decimals that could be rounded"


def test_a_total_of_whole_numbers_is_a_whole_number() -> None:
    source = SOURCE.assign(drugs=1, stay=2, cost=3)
    whole = RowMaker("test", domain(source), Repeating(source.drop(columns=["group", "cost"])))
    assert whole.draw(3, rng(), {})["cost"].dtype == np.int64


def test_a_value_that_every_patient_has_may_not_be_missing_in_any_row() -> None:
    law = Repeating(DRAWN.assign(stay=[np.nan, 5.0] * 10, age=[np.nan, np.nan, 50, 60] * 5))
    with pytest.raises(GeneratorError) as refused:
        maker(law).draw(8, rng(), {})
    told = {problem.where: problem.found for problem in refused.value.problems}
    assert told["column 'stay'"] == "4 of 8 rows have no value, and every patient has one"
    assert {"column 'age'", "column 'stay'", "column 'cost'"} <= set(told), "all at once, and the total with its part"
    assert "column 'note'" not in told, "patients may lack a note too"


def test_levels_are_asked_of_a_law_that_can_draw_them() -> None:
    law = Repeating(DRAWN, conditional=True)
    found = maker(law).draw(7, rng(), {"arm": "usual"})
    assert law.asked == [(7, {"arm": "usual"})] and set(found["arm"]) == {"usual"} and len(found) == 7


def test_rows_of_any_other_law_are_drawn_until_enough_have_the_levels() -> None:
    law = Repeating(DRAWN)
    found = maker(law).draw(150, rng(), {"arm": "usual", "group": "old"})
    assert (len(found), set(found["arm"]), set(found["group"])) == (150, {"usual"}, {"old"})
    assert law.asked == [(300, None)], "half of twice as many"
    assert found.index.tolist() == list(range(150))
    small = Repeating(DRAWN)
    assert len(maker(small).draw(3, rng(), {"arm": "new"})) == 3 and small.asked == [(200, None)]


def test_a_level_that_the_law_has_lost_is_given_up_with_what_was_found() -> None:
    law = Repeating(DRAWN[DRAWN["arm"] == "new"])
    with pytest.raises(GeneratorError, match=r"0 rows of the level asked for among 3,000 drawn, 10 wanted"):
        maker(law).draw(10, rng(), {"arm": "usual"})
    assert sum(n for n, _ in law.asked) == OVERDRAW * 10 + 1000


def test_so_many_rows_of_each_cell_are_drawn_and_shuffled() -> None:
    law = Repeating(DRAWN, conditional=True)
    cells = [({"arm": "new"}, 30), ({"arm": "usual"}, 10), ({"arm": "lost"}, 0)]
    found = maker(law).draw(40, rng(), {}, cells)
    assert found["arm"].value_counts().to_dict() == {"new": 30, "usual": 10}
    assert [n for n, _ in law.asked] == [30, 10], "nothing is drawn of a cell without rows"
    assert found.index.tolist() == list(range(40))
    assert found["arm"].tolist() != ["new"] * 30 + ["usual"] * 10
    pd.testing.assert_frame_equal(found, maker(Repeating(DRAWN, conditional=True)).draw(40, rng(), {}, cells))


AIM = Aim("costs", "cost", None, {"all": 6.0})


def test_rows_meet_their_aims_and_totals_stay_the_sum_of_their_parts() -> None:
    free = replace(SCHEMA, totals={})
    source = RowMaker("test", domain(schema=free), Repeating(SOURCE.drop(columns="group")), (AIM,))
    found = source.draw(20, rng(), {})
    assert found["cost"].mean() == pytest.approx(6.0, rel=0.002)
    plain = replace(source, aims=()).draw(20, rng(), {})
    assert plain["cost"].mean() == pytest.approx(5.5)
    assert found.drop(columns="cost").equals(plain.drop(columns="cost"))


def measured(n: int = 600) -> pd.DataFrame:
    """Costs and two markers with decimals, which can hold the mark."""
    drawn = np.random.default_rng(3)
    frame = pd.DataFrame({
        "arm": np.resize(["new", "usual"], n), "drugs": drawn.gamma(3, 100, n), "stay": drawn.gamma(3, 100, n),
        "x": drawn.normal(0, 1, n), "y": drawn.normal(9, 2, n),
    })  # fmt: skip
    return frame.assign(cost=(frame["drugs"] + frame["stay"]).round(6))


def test_marked_rows_claim_the_columns_and_keep_totals_the_sum_of_their_parts() -> None:
    schema = replace(SCHEMA, bands={})
    frame = measured()
    source = RowMaker("test", domain(frame, schema), Repeating(frame))
    rows, claim = source.marked(frame, rng(), "release", None)
    assert claim.marked and set(claim.marked) <= {"drugs", "stay", "x", "y"} and claim.agreement > 0
    assert not rows["drugs"].equals(frame["drugs"]) and rows["arm"].equals(frame["arm"])
    assert rows["cost"].to_numpy() == pytest.approx((rows["drugs"] + rows["stay"]).to_numpy(), abs=1e-6)
    assert rows["drugs"].groupby(rows["arm"]).mean().to_numpy() == pytest.approx(
        frame["drugs"].groupby(frame["arm"]).mean().to_numpy()
    )


def test_the_owners_key_marks_other_rows_than_the_public_one_alone_and_each_release_its_own() -> None:
    schema = replace(SCHEMA, bands={})
    frame = measured()
    source = RowMaker("test", domain(frame, schema), Repeating(frame))
    public, first, second = (
        source.marked(frame, rng(), release, owner)[0]
        for release, owner in (("one", None), ("one", b"secret"), ("two", b"secret"))
    )
    assert not public.equals(first) and not first.equals(second)
    assert first.equals(source.marked(frame, rng(), "one", b"secret")[0])


def test_copies_of_patients_are_never_marked() -> None:
    schema = replace(SCHEMA, bands={})
    frame = measured()
    source = RowMaker("test", domain(frame, schema), Repeating(frame), copies=True)
    rows, claim = source.marked(frame, rng(), "release", b"secret")
    assert rows is frame and claim.watermark == NO_MARK + "the rows are copies of patients" and claim.marked == ()


def test_rows_that_cannot_hold_the_mark_claim_none() -> None:
    frame = SOURCE[["arm", "age"]]
    source = RowMaker("test", domain(frame, Schema({}, arm="arm")), Repeating(frame))
    rows, claim = source.marked(frame, rng(), "release", None)
    assert rows.equals(frame) and claim.watermark.startswith(NO_MARK) and claim.marked == ()
