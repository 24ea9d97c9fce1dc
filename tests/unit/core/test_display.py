"""Objects look alike wherever they are shown: 80 columns in a terminal, one sortable table in a page."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import heorsynth as hs
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.core.display import WIDTH, Card, facts_card
from heorsynth.evidence.evidence import Evidence
from heorsynth.report import tables

WIDE = Card(
    "A wide table",
    ("verdict", "quantity", "group", "real", "synthetic", "difference (90% interval)", "margin", "remark"),
    (("✓ pass", "mean time without the event", "arm=D-penicillamine vs placebo", "2,608 day", "2,631 day",
      "+0.9% (-3.9% to +5.7%)", "±5.0% of the real value", ""),) * 2,
    "A note of many words " * 20,
)  # fmt: skip


def finding(**facts: object) -> Finding:
    usual = {
        "estimand": "rmst of os to 3650 day", "group": "all", "real": 100.0, "synthetic": 103.93,
        "difference": 0.0393, "lower": 0.01, "upper": 0.06, "margin": 0.05, "floor": 0.0, "verdict": "inconclusive",
        "because": "", "scale": "relative", "unit": "day", "n_real": 50, "key": "survival.rmst",
    }  # fmt: skip
    return Finding(**{**usual, **facts})  # type: ignore[arg-type]


def evidence(*findings: Finding) -> Evidence:
    return Evidence.of("economic-evaluation", findings, m=2, n_rows=50, n_source=50)


class Words(HTMLParser):
    """What a page says in each cell."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th"):
            self.cells.append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data


def test_no_line_of_a_wide_card_is_wider_than_a_terminal_and_nothing_is_lost() -> None:
    text = WIDE.text()
    assert max(map(len, text.splitlines())) <= WIDTH
    told = " ".join(text.split())
    for cell in WIDE.rows[0]:
        assert cell in told
    assert "difference (90% interval) +0.9% (-3.9% to +5.7%)" in told and told.count("many") == 20


def test_a_table_that_fits_once_its_cells_are_wrapped_stays_a_table() -> None:
    card = Card("Margins", ("estimand", "reason"), (("survival.rmst", "five words " * 20), ("costs.mean", "short")))
    lines = card.text().splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[1].startswith("  estimand       reason") and lines[-1] == "  costs.mean     short"


def test_words_are_never_cut() -> None:
    long = "a" * 120
    assert long in facts_card("Where", [("path", long)]).text()


def test_a_small_table_looks_as_it_always_did() -> None:
    assert facts_card("A title", [("a", "1"), ("long name", "2")], "Note.").text() == (
        "A title\n  a          1\n  long name  2\nNote."
    )


def test_a_table_with_headings_sorts_by_a_script_of_its_own_and_is_plain_without_it() -> None:
    page = WIDE.html()
    plain, script = page.split("<script>")
    assert "button" not in plain and "onclick" not in page and "role" not in plain
    assert "aria-sort" in script and "src=" not in page and "http" not in page
    assert "<script>" not in facts_card("Facts", [("a", "b"), ("c", "d")]).html()
    assert "<script>" not in Card("One row", ("a",), (("b",),)).html()


def test_terminal_notebook_and_dossier_tell_a_finding_in_the_same_words() -> None:
    found = evidence(finding(), finding(group="sex=m", n_real=3, verdict="pass"))
    dossier_rows = tables.verdict_table(found).card.rows
    assert found.card().rows == dossier_rows
    cells = Words(found._repr_html_()).cells
    for row in dossier_rows:
        assert all(cell in cells for cell in row)
    assert "+3.9% (+1.0% to +6.0%)" in repr(found) and "±5.0% of the real value" in repr(found)


def test_a_value_of_one_to_four_patients_is_in_no_rendering() -> None:
    own = {"real_lower": 83.21, "real_upper": 163.7, "question": "faithful", "decisive": True}
    found = evidence(finding(real=123.4567, n_real=3, **own))
    assert found.answers["sufficient"] == "no", "their own interval is wider than the margin, and is not shown"
    for shown in (repr(found), found._repr_html_(), repr(tables.verdict_table(found))):
        assert not any(number in shown for number in ("123.5", "83.21", "163.7")) and "not given" in shown
        assert "<5" in shown.replace("&lt;", "<")


def test_what_cannot_be_estimated_says_why_in_its_remark_and_not_as_an_interval() -> None:
    nothing = {"synthetic": math.nan, "difference": math.nan, "lower": math.nan, "upper": math.nan}
    row = (
        evidence(finding(verdict="not estimable", because="nobody is left", remark="nobody is left", **nothing))
        .card()
        .rows[0]
    )
    assert row[5] == "not estimable" and row[-1] == "nobody is left"


def test_the_signs_of_a_table_are_explained_once_and_only_those_it_has() -> None:
    note = evidence(finding(basis="constructed"), finding(basis="constructed", group="sex=f")).card().note
    assert note.count("†") == 1 and "?" in note and "✗" not in note
    assert "†" not in evidence(finding()).card().note
    assert (
        evidence(finding(basis="constructed")).card().rows[0][0] == "?\N{NO-BREAK SPACE}inconclusive\N{NO-BREAK SPACE}†"
    )


def test_every_estimand_has_a_plain_name_of_its_own() -> None:
    names = [estimand.plain for estimand in ESTIMANDS.values()]
    assert len(set(names)) == len(names)
    assert not any(symbol in name for name in names for symbol in ("_", "rmst", "inmb", "SMD"))


def test_what_rests_on_no_rounding_of_zero_has_no_sign() -> None:
    row = evidence(finding(difference=-0.0001, lower=-0.0002, upper=0.0003)).card().rows[0]
    assert row[5] == "0.0% (0.0% to 0.0%)"


def test_a_cohort_and_its_copies_fit_a_terminal() -> None:
    cohort = hs.datasets.load("pbc")
    drawn = hs.generators.create("bootstrap").fit(cohort, seed=1).sample(m=2, seed=1)
    for shown in (cohort, drawn):
        assert max(map(len, repr(shown).splitlines())) <= WIDTH


def test_a_terminal_shows_one_of_many_findings_that_pass_and_ask_the_same() -> None:
    """The one nearest to its margin; what fails or is open, or is set equal by construction, is never folded away."""
    passing = [
        finding(verdict="pass", group=f"site={place}", lower=-reach, upper=reach)
        for place, reach in enumerate((0.01, 0.04, 0.02))
    ]
    others = [
        finding(verdict="fail", group="arm=a"), finding(verdict="fail", group="arm=b"), finding(group="arm=c"),
        finding(verdict="pass", basis="constructed", group="arm=d"),
        finding(verdict="pass", key="costs.mean", group="all"),
    ]  # fmt: skip
    found = evidence(*passing, *others)
    groups = [row[2] for row in found.card(fold=True).rows]
    assert groups[3].startswith("site=1 (of 3 that pass")
    assert groups[:3] + groups[4:] == ["arm=a", "arm=b", "arm=c", "arm=d", "all"]
    assert len(found.card().rows) == 8 and "site=0" in found.card().html() and "site=0" not in repr(found)


def test_two_findings_that_pass_are_both_shown() -> None:
    found = evidence(finding(verdict="pass", group="arm=a"), finding(verdict="pass", group="arm=b"))
    assert len(found.card(fold=True).rows) == 2


def test_a_long_cell_takes_the_whole_width_and_a_short_one_stays_beside_the_others() -> None:
    header = ("question", "answer", "why")
    text = Card("t", header, (("is it so?", "no", "words " * 120), ("and this?", "yes", "short"))).text()
    assert "  is it so?  no\n      words words" in text and len(text.splitlines()) < 20
    assert "  is it so?  no      short" in Card("t", header, (("is it so?", "no", "short"),)).text()
