"""The dossier is one page that stands alone, says the verdict first, escapes everything and is the same each time."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import re
from html.parser import HTMLParser

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbconvert import HTMLExporter

from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.labels.label import Label
from heorsynth.evidence.economics import economic_numbers
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.finding_text import SET_EQUAL
from heorsynth.report import figures
from heorsynth.report.dossier import dossier

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """The tags of a page in order, with those that were left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def all(self, *names: str) -> list[tuple[str, dict[str, str | None]]]:
        return [found for found in self.tags if found[0] in names]


def patients(n: int = 80) -> Cohort:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "time": rng.exponential(10, n) + 0.1,
            "event": rng.integers(0, 2, n),
            "trt": np.where(np.arange(n) % 2, "new", "old"),
            "sex": np.where(np.arange(n) < 20, "m", "f"),
            "cost": rng.lognormal(7, 1, n) + 0.123456,
        }
    )
    return Cohort(frame, endpoints={"os": ("time", "event")}, arm="trt", subgroups="sex", costs="cost", currency="EUR")


def drawn(real: Cohort) -> list[Cohort]:
    label = Label("1a2b", "bootstrap", real.n, real.n, real.n, 0, 2, 1, "0.1.0", {"fit_seed": 1, "depth": 3})
    rows = [np.random.default_rng(i).integers(real.n, size=real.n) for i in range(2)]
    return [Cohort.derive(real.schema, real.take(row).frame, label=label) for row in rows]


def evidence() -> Evidence:
    facts = (
        "survival.rmst",
        "rmst of os",
        "all",
        10.0,
        10.5,
        0.05,
        -0.02,
        0.12,
        0.1,
        0.02,
        "inconclusive",
        "it crosses",
    )
    found = Finding(*facts, "relative", "day", 80)
    return Evidence.of("economic-evaluation", [found], m=2, n_rows=80, n_source=80, generator="bootstrap",
                       broken={"time above 0": 3}, notes=("a lock note", "another note"))  # fmt: skip


PROTOCOL = {
    "title": "<script>alert(1)</script> & co",
    "margins": {"survival.rmst": {"relative": 0.1, "reason": "a <b>reason</b>"}},
    "governance": {"steward": "A. Person", "retention": None},
    "amendments": [{"date": "2026-01-01", "what": "wider", "why": "too tight", "section": None}],
}


@pytest.fixture(scope="module")
def text() -> str:
    real = patients()
    return dossier(PROTOCOL, real, drawn(real), evidence(), run_name="pbc-1", protocol_sha256="ab" * 32,
                   lock_note="a lock note")  # fmt: skip


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_table_1_by_arm_and_the_numbers_of_the_evaluation_are_on_the_page(page: Page) -> None:
    words = " ".join(page.words)
    assert "SMD old vs new, real" in words or "SMD new vs old, real" in words
    assert "P(cost-effective)" not in words, "this evidence has no economic evaluation"
    real = patients()
    with_utility = Cohort.derive(
        dataclasses.replace(real.schema, utilities=("qaly",)),
        real.rows.assign(qaly=np.linspace(0, 1, real.n)),
        label=None,
    )
    numbers = economic_numbers(with_utility, [with_utility] * 2, {"wtp": (20_000.0,)}, 1, with_utility.n)
    shown = dossier(PROTOCOL, real, drawn(real), dataclasses.replace(evidence(), economics=numbers))
    found = " ".join(Page(shown).words)
    assert "P(cost-effective)" in found and numbers[0].icer_text in found and f"{numbers[0].probability:.1%}" in found


def test_declared_analyses_are_shown_side_by_side_and_the_section_is_absent_without_one(page: Page) -> None:
    real = patients()
    (endpoint,), column = real.schema.endpoints, real.schema.arm
    mine = Analysis("my model", model="cox", formula=f"{endpoint} ~ {column}")
    shown = Page(dossier(PROTOCOL, real, drawn(real), evidence(), analyses=[mine]))
    words = " ".join(shown.words)
    assert "Your own analyses" in words and "my model" in words and "synthetic, pooled" in words
    assert "Your own analyses" not in " ".join(page.words)


def test_the_same_arguments_give_the_same_bytes(text: str) -> None:
    real = patients()
    again = dossier(PROTOCOL, real, drawn(real), evidence(), run_name="pbc-1", protocol_sha256="ab" * 32,
                    lock_note="a lock note")  # fmt: skip
    assert again == text


def test_every_tag_is_closed_and_the_language_is_named(page: Page) -> None:
    assert page.open == []
    assert page.all("html")[0][1]["lang"] == "en"


def test_nothing_is_fetched_from_anywhere(text: str, page: Page) -> None:
    for _, attributes in page.tags:
        for name in ("src", "href"):
            target = attributes.get(name)
            assert target is None or target.startswith(("data:image/png;base64,", "#"))
    assert not re.search(r"url\(|@import|https?://|fetch\(|XMLHttp", text)


def test_links_within_the_page_lead_somewhere(page: Page) -> None:
    known = {attributes.get("id") for _, attributes in page.tags}
    assert {str(attributes["href"])[1:] for _, attributes in page.all("a")} <= known


def test_headings_descend_one_step_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_picture_has_its_words_and_every_table_its_caption(page: Page) -> None:
    pictures = page.all("img")
    assert len(pictures) == 7
    assert all(len(str(attributes["alt"])) > 40 for _, attributes in pictures)
    assert len(page.all("caption")) == len(page.all("table"))


def test_the_formulas_of_what_was_asked_stand_there_with_their_sources_and_no_others(text: str) -> None:
    formulas = text[text.index(">Formulas<") : text.index('id="governance"')]
    assert "μ(τ) = ∫<sub>0</sub><sup>τ</sup> S(t) dt" in formulas and "Royston &amp; Parmar" in formulas
    assert "survival.rmst" in formulas and "costs.mean" not in formulas


def test_every_formula_is_html_that_closes_what_it_opens() -> None:
    for estimand in ESTIMANDS.values():
        for part in (estimand.formula, estimand.source):
            page = Page(f"<p>{part}</p>")
            assert page.open == [] and {tag for tag, _ in page.tags} <= {"p", "sub", "sup"}
            assert not re.search(r"&(?!lt;|gt;|amp;)", part)


def test_what_has_no_say_is_folded_away_on_a_screen_and_printed() -> None:
    real = patients()
    beside = dataclasses.replace(evidence().findings[0], decisive=False, group="sex=m", verdict="pass")
    both = dataclasses.replace(evidence(), findings=(*evidence().findings, beside))
    text = dossier(PROTOCOL, real, [real], both)
    folded = re.findall(r'<details class="printed">(.*?)</details>', text, flags=re.DOTALL)
    assert any("sex=m" in part and "All 1 of them: 1 pass" in part for part in folded)
    assert "details-content{content-visibility:visible" in text and "<details open" not in text


def test_a_narrow_screen_has_the_name_of_each_cell_beside_it(page: Page) -> None:
    cells = [attributes for tag, attributes in page.all("td") if attributes.get("role") == "cell"]
    assert cells and all(cell["data-label"] for cell in cells)


def test_what_was_set_equal_is_told_below_the_findings_in_plain_words() -> None:
    real = patients()
    note = f"{SET_EQUAL}mean cost."
    marked = dataclasses.replace(evidence(), notes=("a lock note", note))
    text = dossier(PROTOCOL, real, [real], marked, lock_note="a lock note")
    assert text.count(note) == 1 and text.index('id="findings"') < text.index(note) < text.index('id="pictures"')


def test_wide_tables_can_be_reached_and_scrolled_by_keyboard(page: Page) -> None:
    regions = [attributes for tag, attributes in page.all("div") if attributes.get("class") == "scroll"]
    assert regions and all(region["tabindex"] == "0" and region["aria-label"] for region in regions)


def test_what_a_protocol_says_is_escaped(text: str) -> None:
    assert "<script>alert" not in text and "<b>reason" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in text


def test_the_three_answers_come_first(page: Page) -> None:
    words = " ".join(page.words)
    places = [words.index(one.sentence) for one in evidence().answered]
    assert len(places) == 3 and places == sorted(places)
    assert words.index(evidence().verdict) < places[0] and places[-1] < words.index("Decisive findings")


def test_a_note_is_said_once(page: Page) -> None:
    words = " ".join(page.words)
    assert words.count("a lock note") == 1 and words.count("another note") == 1


def test_a_blank_governance_field_needs_a_person(page: Page) -> None:
    words = [word.strip() for word in page.words]
    assert words[words.index("Steward") + 1] == "A. Person"
    assert "needs a person" in words[words.index("Retention") :]
    assert words.count("needs a person") == 4


def test_broken_rules_and_amendments_are_told(page: Page) -> None:
    words = " ".join(page.words)
    assert "time above 0" in words and "too tight" in words and "not said" in words


def test_no_value_of_a_patient_is_on_the_page(page: Page) -> None:
    words = " ".join([*page.words, *(str(attributes.get("alt", "")) for _, attributes in page.tags)])
    for value in patients().frame[["time", "cost"]].to_numpy().ravel():
        assert not re.search(rf"(?<![\d.]){re.escape(f'{value:.4g}')}(?![\d])", words)


def test_no_path_and_no_moment_is_on_the_page(page: Page) -> None:
    words = " ".join(page.words)
    assert not re.search(r"/(home|root|tmp|usr|work)/|\d\d:\d\d:\d\d|[A-Z]:\\", words)


def test_thresholds_and_the_hold_out_are_told() -> None:
    real = patients()
    said = {"economics": {"comparator": "old", "wtp": [20000, 30000.0]}, "holdout": 0.2}
    words = " ".join(Page(dossier(said, real, [real], evidence())).words)
    assert "20000, 30000 per unit of effect" in words and "20% of the real patients" in words


def test_a_protocol_that_says_nothing_still_gives_a_page() -> None:
    real = patients()
    text = dossier({}, real, [real], evidence())
    assert Page(text).open == [] and "Not registered" in text


def test_nbconvert_keeps_the_alternative_text_and_misses_none(caplog: pytest.LogCaptureFixture) -> None:
    real = patients()
    picture = figures.km_overlay(real, drawn(real), "os")
    output = nbformat.v4.new_output("display_data", {"text/plain": repr(picture), "text/html": picture._repr_html_()})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("picture", outputs=[output])])
    with caplog.at_level(logging.WARNING):
        page, _ = HTMLExporter().from_notebook_node(notebook)
    assert picture.alt in page
    assert "Alternative text is missing" not in caplog.text
