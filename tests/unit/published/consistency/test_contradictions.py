"""Contradictions: each rule finds a planted one with its size, and honest facts have none."""

from collections.abc import Callable

import pandas as pd
import pytest

from heorsynth.published.consistency.contradiction import COLUMNS
from heorsynth.published.consistency.contradictions import contradictions_of


def test_facts_that_agree_have_no_contradiction(changed: Callable) -> None:
    paper = changed()
    frame = contradictions_of(paper.document, paper.data)
    assert frame.empty and frame.columns.tolist() == list(COLUMNS)


PLANTED = [
    ("female: {drug: 40 (40%)", "female: {drug: 40 (42%)", "percentage against count and total", 1.5, "impossible"),
    ("usual: 55 (55%)", "usual: 60", "levels sum to more than the arm", 5, "impossible"),
    ("drug: 60 (60%)", "drug: {percent: 62}", "percentages of levels sum to more than 100", 1, "impossible"),
    ("sd: 9.8, range", "sd: 29.8, range", "standard deviation impossible for the range", 9.6, "impossible"),
    ("mean: 61.2, sd", "mean: 81.2, sd", "mean outside its range", 0.65, "impossible"),
    ("iqr: [55, 69]", "iqr: [65, 69]", "order of range, quartiles and median", -2, "impossible"),
    ("range: [40, 80]}", "median: 72.0}", "mean and median more than one standard deviation apart", 0.85, "impossible"),
    ('sd: "9,100"', 'sd: "9,100", se: 800', "standard error against standard deviation and n", -109.45, "unlikely"),
    ("counts: {drug: 50, usual: 70}", "counts: {drug: 30, usual: 70}", "fewer events than the curve implies", -7,
     "impossible"),
    ("counts: {drug: 50, usual: 70}", "counts: {drug: 70, usual: 70}", "more events than the curve allows", 12,
     "impossible"),
    ("drug: {value: 18.0, low", "drug: {value: 14.0, low", "median against the curve", -3.85, "impossible"),
    ("usual: {value: 12.0}", "usual: {value: 25.0}", "median against the curve", 6.85, "impossible"),
    ("usual: {value: 12.0}", "usual: {value: not reached}", "median against the curve", 0.25, "impossible"),
    ("value: 0.62, low: 0.43", "value: 0.42, low: 0.43", None, 0, ""),
    ("value: 0.62, low: 0.43", "value: 0.41, low: 0.43", "hazard ratio outside its interval", -0.01, "impossible"),
    ("value: 0.62, low: 0.43", "value: 0.72, low: 0.43", "hazard ratio not in the middle of its interval", 0.135, ""),
    ("value: 0.62, low: 0.43, high: 0.89", "value: 1.62", "hazard ratio against the curves", 0.74, "unlikely"),
    ("usual: [100, 70, 40]", "usual: [98, 70, 40]", "patients against the number at risk at time 0", -2, "impossible"),
    ("n: {drug: 40, usual: 45}", "n: {drug: 44, usual: 45}", "subgroup against Table 1", 4, "unlikely"),
    ("n: {drug: 40, usual: 45}", "n: {drug: 140}", "subgroups of sex sum to more than all patients", 40, "impossible"),
    ("counts: {drug: 50, usual: 70}", "counts: {drug: 50, usual: 101}", "more events than patients", 1, "impossible"),
    ("zeros: 3%", "zeros: 103%", "share of zeros", 2.5, "impossible"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "rule", "size", "severity"), PLANTED)
def test_a_planted_contradiction_is_found_with_its_size(
    changed: Callable, old: str, new: str, rule: str | None, size: float, severity: str
) -> None:
    frame = changed((old, new)).contradictions().set_index("rule")
    if rule is None:
        assert "hazard ratio outside its interval" not in frame.index
        return
    assert rule in frame.index
    assert frame.loc[rule, "size"] == pytest.approx(size, abs=0.06 * max(1.0, abs(size)))
    assert not severity or frame.loc[rule, "severity"] == severity


def test_rounding_is_honoured(changed: Callable) -> None:
    assert changed(("n: 100, source: Figure 1}\n  usual", "n: 100, source: Figure 1}\n  usual")).contradictions().empty
    third = changed(("female: {drug: 40 (40%)", "female: {drug: 40 (40.4%)")).contradictions()
    assert third["size"].tolist() == pytest.approx([0.35])
    assert changed(("drug: {value: 18.0, low", "drug: {value: 18, low")).contradictions().empty


def test_a_percentage_of_those_known_is_no_contradiction(changed: Callable) -> None:
    known = ("female: {drug: 40 (40%)", "female: {drug: 30 (33%)"), ("male: {drug: 60 (60%)", "male: {drug: 60 (67%)")
    assert changed(*known, ("n: {drug: 40, usual: 45}", "n: {usual: 45}")).contradictions().empty


PFS = """\
  pfs:
    unit: month
    curves: {source: Figure 4, file: pfs.csv}
    events: {source: Table 2, counts: {drug: 45, usual: 75}}
    medians: {source: Table 2, arms: {drug: {value: 19.0}}}
table1:
"""


def test_pfs_above_os_is_found(changed: Callable) -> None:
    points = "arm,time,survival\n" + "".join(f"drug,{t},{1 - t / 50}\n" for t in (0, 6, 12, 18, 20))
    frame = changed(("table1:\n", PFS), pfs_csv=points).contradictions().set_index("rule")
    assert frame.loc["pfs above os", "size"] == pytest.approx(0.09)
    assert frame.loc["fewer pfs events than os events", "size"] == -5
    assert frame.loc["median of pfs above that of os", "size"] == pytest.approx(0.9)
    assert frame["severity"].tolist() == sorted(frame["severity"])
    declared = changed(("table1:\n", PFS + ""), ("costs:", "order: []\ncosts:"), pfs_csv=points).contradictions()
    assert "pfs above os" not in declared["rule"].tolist()


def test_a_median_that_the_curve_does_not_reach_is_found(changed: Callable) -> None:
    high = "arm,time,survival\n" + "".join(
        f"{a},{t},{1 - t / 100}\n" for a in ("drug", "usual") for t in (0, 6, 12, 18, 20)
    )
    frame: pd.DataFrame = changed(os_csv=high).contradictions().set_index("rule")
    assert frame.loc["median against the curve", "expected"].tolist() == ["the curve stays above one half"] * 2


def test_more_patients_at_risk_than_the_curve_leaves_are_found(changed: Callable) -> None:
    early = "arm,time,survival\n" + "".join(
        f"usual,{t},{s}\n" for t, s in zip((0, 5, 7, 11, 20), (1, 0.7, 0.7, 0.3, 0.3), strict=True)
    )
    frame = changed(os_csv=early).contradictions().set_index("rule")
    assert frame.loc["more patients at risk than the curve leaves", "size"] == pytest.approx(40 - 31.5)
