"""Paper files: what is read, and what is refused with its line."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core.errors import FileError, PaperError, UnknownNameError
from heorsynth.published.schema.facts import COLUMNS


def told(changed: Callable, *replacements: tuple[str, str], **files: str) -> str:
    """The error of a changed paper."""
    with pytest.raises(PaperError) as error:
        changed(*replacements, **files)
    return str(error.value)


def test_every_fact_has_its_number_as_printed_its_citation_and_its_place(changed: Callable) -> None:
    frame = changed().to_frame().set_index("fact")
    assert list(changed().to_frame().columns) == list(COLUMNS)
    ratio = frame.loc["os.hr.drug/usual"]
    assert (ratio.value, ratio.low, ratio.high, ratio.level, ratio.rounding) == (0.62, 0.43, 0.89, 0.95, 0.005)
    assert frame.loc["os.median.drug", "place"] == "Table 2, page 5"
    assert frame.loc["os.median.drug", "high"] == float("inf")
    assert frame.loc["table1.sex.male.n.usual", "value"] == 55
    assert frame.loc["cost.total.mean.drug", ["value", "rounding", "unit"]].tolist() == [12300, 0.5, "EUR 2020"]
    assert (frame["citation"] == "smith").all() and (frame["place"] != "").all()
    assert frame.index.is_unique


def test_a_trailing_zero_is_a_digit(changed: Callable) -> None:
    frame = changed(("value: 0.70, subgroup", "value: 0.700, subgroup")).to_frame().set_index("fact")
    assert frame.loc["os.hr.drug/usual.sex=female", "rounding"] == 0.0005


def test_the_frames_of_an_endpoint_are_those_of_the_reconstruction(changed: Callable) -> None:
    paper = changed()
    assert paper.curves("os").columns.tolist() == ["arm", "time", "survival"]
    assert paper.at_risk("os").query("arm == 'usual'")["at_risk"].tolist() == [100, 70, 40]
    assert paper.totals("os").values.tolist() == [["drug", 100, 50], ["usual", 100, 70]]
    with pytest.raises(UnknownNameError, match="did you mean 'os'"):
        paper.curves("oss")


def test_a_paper_shows_its_arms_and_citations_and_not_a_curve_it_does_not_have(changed: Callable) -> None:
    paper = changed(("    curves: {source: Figure 2, file: os.csv}\n", ""))
    assert "drug (100), usual (100)" in repr(paper) and "Smith A" in paper._repr_html_()
    with pytest.raises(PaperError, match="states no curves"):
        paper.curves("os")


CITED = "citations:\n  smith: Smith A et al. (2020) J Trials 1:1"


def test_a_paper_that_cites_nothing_is_refused(changed: Callable) -> None:
    assert "line 3, citations: the file cites nothing" in told(changed, (CITED, "citations: {}"))
    assert "the file cites nothing" in told(changed, (f"{CITED}\n", ""))


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("events: {source: Table 2, counts: {drug", "events: {counts: {drug", "endpoints.os.events.source"),
        ("{name: Drug A, n: 100, source: Figure 1}", "{name: Drug A, n: 100}", "line 6, arms.drug.source"),
        ("table1:\n  source: Table 1\n", "table1:\n", "line 23, table1.source"),
    ],
)  # fmt: skip
def test_a_fact_without_a_source_is_refused(changed: Callable, old: str, new: str, where: str) -> None:
    error = told(changed, (old, new))
    assert "a fact without a source" in error and where in error


def test_a_source_names_a_page_table_or_figure_and_one_of_the_citations(changed: Callable) -> None:
    assert "no page, table or figure" in told(changed, ("source: Figure 3", "source: somewhere"))
    assert "without a page" in told(changed, ("source: Figure 3", "source: {citation: smith}"))
    assert "did you mean 'smith'" in told(changed, ("source: Figure 3", "source: {citation: smth, figure: 3}"))
    two = ("  smith: Smith A et al. (2020) J Trials 1:1", "  smith: one\n  jones: two")
    assert "does not say which paper" in told(changed, two)


def test_unknown_keys_and_arms_get_their_line_and_the_nearest_name(changed: Callable) -> None:
    error = told(changed, ("hazard_ratios:", "hazard_ratio:"))
    assert "line 20, endpoints.os.hazard_ratio: unknown key" in error and "did you mean 'hazard_ratios'" in error
    error = told(changed, ("counts: {drug: 50, usual: 70}", "counts: {drg: 50, usual: 70}"))
    assert "'drg' is not an arm" in error and "did you mean 'drug'" in error and "line 16" in error
    error = told(changed, ("{mean: 61.2, sd: 9.8,", "{mean: 61.2, sdd: 9.8,"))
    assert "unknown key" in error and "did you mean 'sd'" in error


def test_an_unknown_key_may_look_like_anything(changed: Callable) -> None:
    assert "unknown key" in told(changed, ("correlations:", '"[1, 2]": 3\ncorrelations:'))


@pytest.mark.parametrize("value", ["eleven", "[1]", "true", ".nan"])
def test_a_value_that_is_not_a_printed_number_is_refused(changed: Callable, value: str) -> None:
    assert "number" in told(changed, ("value: 0.62", f"value: {value}"))


def test_counts_are_whole(changed: Callable) -> None:
    assert "not a count" in told(changed, ("usual: 70}}", "usual: .inf}}"))
    assert "not a count" in told(changed, ("usual: 70}}", "usual: 70.5}}"))


def test_numbers_at_risk_that_rise_are_refused(changed: Callable) -> None:
    error = told(changed, ("drug: [100, 80, 60]", "drug: [100, 60, 80]"))
    assert "line 15" in error and "numbers at risk that rise, to 80" in error
    table = "arm,time,at_risk\ndrug,0,100\ndrug,6,101\n"
    old = "      times: [0, 6, 12]\n      counts: {drug: [100, 80, 60], usual: [100, 70, 40]}\n"
    assert "that rise" in told(changed, (old, "      file: risk.csv\n"), risk_csv=table)


def test_numbers_at_risk_have_a_count_for_every_rising_time(changed: Callable) -> None:
    assert "2 counts for 3 times" in told(changed, ("drug: [100, 80, 60]", "drug: [100, 60]"))
    assert "do not rise" in told(changed, ("times: [0, 6, 12]", "times: [0, 12, 6]"))


def test_numbers_at_risk_may_lie_in_a_file(changed: Callable) -> None:
    table = "arm;time;at_risk\nDrug A;0;100\nDrug A;6;80\nusual;0;100\n"
    old = "      times: [0, 6, 12]\n      counts: {drug: [100, 80, 60], usual: [100, 70, 40]}\n"
    frame = changed((old, "      file: risk.csv\n"), risk_csv=table).at_risk("os")
    assert frame.values.tolist() == [["drug", 0, 100], ["drug", 6, 80], ["usual", 0, 100]]


def test_arms_of_other_names_in_a_file_are_refused_and_may_be_renamed(changed: Callable) -> None:
    other = "arm,time,survival\n" + "".join(f"{a},{t},{1 - t / 20}\n" for a in ("drugs", "usual") for t in range(6))
    error = told(changed, os_csv=other)
    assert "line 11" in error and "an arm 'drugs', which the paper does not" in error and "did you mean 'drug'" in error
    paper = changed(("file: os.csv}", "file: os.csv, rename: {drugs: drug}}"), os_csv=other)
    assert set(paper.curves("os")["arm"]) == {"drug", "usual"}


def test_one_file_for_each_arm_is_read_and_an_exchanged_one_is_refused(changed: Callable) -> None:
    drug = "time,Drug A\n" + "".join(f"{t},{1 - t / 50}\n" for t in range(6))
    usual = "".join(f"{t},{1 - t / 20}\n" for t in range(6))
    files = {"a_csv": drug, "b_csv": usual}
    paper = changed(("file: os.csv}", "files: {drug: a.csv, usual: b.csv}}"), **files)
    assert paper.curves("os").groupby("arm")["survival"].min().to_dict() == {"drug": 0.9, "usual": 0.75}
    error = told(changed, ("file: os.csv}", "files: {drug: b.csv, usual: a.csv}}"), **files)
    assert "holds the curve of arm 'drug'" in error


@pytest.mark.parametrize("place", ["../os.csv", "/etc/passwd", "..\\\\os.csv"])
def test_a_file_outside_the_folder_is_refused(changed: Callable, place: str) -> None:
    assert "outside the folder" in told(changed, ("file: os.csv}", f'file: "{place}"}}'))


def test_a_link_that_leaves_the_folder_is_refused(changed: Callable, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to("/etc/hostname")
    assert "outside the folder" in told(changed, ("file: os.csv}", "file: link.csv}"))


def test_a_vector_figure_without_axes_is_refused(changed: Callable) -> None:
    assert "without its axes" in told(changed, ("file: os.csv}", "file: figure.svg}"))
    new = "svg: {file: figure.svg, paths: {drug: '#a'}}}"
    assert "endpoints.os.curves.svg.axes: is missing" in told(changed, ("file: os.csv}", new))


def test_the_curves_have_one_source(changed: Callable) -> None:
    assert "not exactly one source" in told(changed, ("file: os.csv}", "file: os.csv, files: {drug: os.csv}}"))
    assert "neither times with counts" in told(changed, ("      times: [0, 6, 12]\n", ""))


def test_a_hostile_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "paper.yaml"
    file.write_text("paper: !!python/object/apply:os.system [echo]\n", encoding="utf-8")
    with pytest.raises(PaperError, match="a YAML tag"):
        hs.published.read(file)
    bomb = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True)
    )
    file.write_text(bomb, encoding="utf-8")
    with pytest.raises(PaperError, match="aliases"):
        hs.published.read(file)
    with pytest.raises(FileError, match="paper 'none"):
        hs.published.read(tmp_path / "none.yaml")


def test_a_characteristic_is_continuous_or_has_levels(changed: Callable) -> None:
    old = "arms: {drug: {mean: 61.2, sd: 9.8, range: [40, 80]}, usual: {median: 62, iqr: [55, 69]}}"
    assert "not exactly one of arms and levels" in told(changed, (old, ""))
    assert "neither a count nor a percent" in told(changed, ("usual: {n: 45, percent: 45}", "usual: {}"))


def test_a_vector_figure_gives_the_curves(changed: Callable) -> None:
    pytest.importorskip("svg.path", reason="the extra published is not installed")
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg"><path id="one" d="M100,100 H200 V160 H300 V220"/>'
        '<path stroke="#f00" d="M100,100 H200 V160 H300 V280"/></svg>'
    )
    axes = "axes: {x: [[100, 0], [500, 40]], y: [[400, 0], [100, 1]]}"
    new = f"svg: {{file: figure.svg, {axes}, paths: {{drug: '#one', usual: {{stroke: red}}}}}}}}"
    curves = changed(("file: os.csv}", new), figure_svg=drawing).curves("os")
    assert curves.groupby("arm")["survival"].min().to_dict() == pytest.approx({"drug": 0.6, "usual": 0.4})
    assert "no curve has id 'two'" in told(changed, ("file: os.csv}", new.replace("#one", "#two")), figure_svg=drawing)


def test_a_stated_hazard_ratio_is_an_estimate_in_either_direction(changed: Callable) -> None:
    paper = changed()
    found = paper.hazard_ratio("os", "drug", "usual")
    assert (found.value, found.se) == (math.log(0.62), pytest.approx(math.log(0.89 / 0.43) / 2 / 1.959964))
    assert paper.hazard_ratio("os", "usual", "drug").value == -found.value
    with pytest.raises(PaperError, match="no hazard ratio of drug to usual with an interval"):
        changed((", low: 0.43, high: 0.89", "")).hazard_ratio("os", "drug", "usual")


def test_characteristics_are_what_a_comparison_matches(changed: Callable) -> None:
    paper = changed()
    assert paper.characteristics("drug") == {
        "age": {"mean": 61.2, "sd": 9.8}, "sex": {"female": 0.4, "male": 0.6}}  # fmt: skip
    assert paper.characteristics("usual") == {"sex": {"female": 0.45, "male": 0.55}}
    with pytest.raises(UnknownNameError, match="did you mean 'drug'"):
        paper.characteristics("drugs")
