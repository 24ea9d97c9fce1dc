"""The governance sheet as one self-contained page."""

from __future__ import annotations

from heorsynth.provenance.governance import Sheet
from heorsynth.report.pages import templates


def governance_page(sheet: Sheet) -> str:
    """Return the sheet as HTML: the number of open items, then every item. The same sheet gives the same text."""
    return templates().get_template("governance.html.j2").render(sheet=sheet)
