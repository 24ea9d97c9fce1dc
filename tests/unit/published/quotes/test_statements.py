"""The numbers of a paper file have the names of its facts and their places."""

from collections.abc import Callable

from heorsynth.published.quotes.statements import Statement, statements_of


def test_statements_have_the_names_of_the_facts_of_a_paper(changed: Callable) -> None:
    paper = changed(("    medians:\n", "    medians:\n      level: 0.9\n"))
    named = {one.fact for one in statements_of(paper.document)}
    facts = {one.fact for one in paper.facts if one.kind != "curve"}
    assert facts <= named
    assert named - facts == {"os.at_risk.times", "os.median.level", "cost.total.price_year"}


def test_a_statement_has_its_place_and_its_number_as_printed(changed: Callable) -> None:
    found = {one.at: one for one in statements_of(changed().document)}
    assert found["endpoints", "os", "medians", "arms", "drug", "value"] == Statement(
        "os.median.drug", ("endpoints", "os", "medians", "arms", "drug", "value"), "18.0"
    )
    assert found["table1", "characteristics", "sex", "levels", "male", "drug", "percent"].text == "60"
    assert found["table1", "characteristics", "age", "arms", "drug", "range", 1].text == "80"
    assert found["endpoints", "os", "hazard_ratios", 1, "n", "usual"].fact == "os.hr.drug/usual.sex=female.n.usual"


def test_a_level_may_be_quoted_as_a_percentage() -> None:
    level = Statement("os.median.level", ("endpoints", "os", "medians", "level"), "0.9")
    assert level.stands_in("(90% CI, 1 to 2)") and level.stands_in("level 0.9") and not level.stands_in("95% CI")
