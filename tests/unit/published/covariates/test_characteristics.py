"""What a paper states of its patients, and the second draw that follows from rows, seed and part."""

from collections.abc import Callable

import heorsynth as hs
from heorsynth.published.covariates.characteristics import Characteristics

Changed = Callable[..., "hs.published.Paper"]


def test_a_draw_is_repeated_from_the_rows_alone(changed: Changed) -> None:
    paper = changed()
    plain = hs.published.reconstruct(paper.curves("os"), paper.at_risk("os"), paper.totals("os"), m=2, seed=4)
    about = Characteristics.of(paper, "os")
    first = about.given_to(plain[1], 0)
    assert first.equals(about.given_to(plain[1], 0)) and not first.equals(about.given_to(plain[1], 1))
    assert first[["time", "event", "arm"]].equals(plain[1].frame.reset_index(drop=True))
    assert about.schema(plain[0].schema).subgroups == ("sex",)


def test_facts_that_the_columns_meet_are_named_and_others_are_not(changed: Changed) -> None:
    met = Characteristics.of(changed(), "os").met(("drug", "usual"))
    assert {"table1.age.mean.drug", "table1.age.iqr.usual", "table1.sex.female.n.usual", "correlation.1"} <= met
    assert {"os.hr.drug/usual.sex=female", "os.hr.drug/usual.sex=female.n.drug", "cost.total.zeros.drug"} <= met
    assert "os.hr.drug/usual" not in met and "os.median.usual" not in met
    assert not any(".usual" in name for name in Characteristics.of(changed(), "os").met(("drug",)))


def test_a_mean_beside_a_median_and_a_range_is_not_met(changed: Changed) -> None:
    paper = changed(("{mean: 61.2, sd: 9.8, range: [40, 80]}", "{mean: 61.2, sd: 9.8, median: 61, range: [40, 80]}"))
    met = Characteristics.of(paper, "os").met(("drug", "usual"))
    assert "table1.age.median.drug" in met and "table1.age.mean.drug" not in met
