"""Writes docs/purposes.md: the eight purposes with their margins and reasons, and every estimand, from the code."""

from pathlib import Path

from heorsynth.checks.core.estimand import DefaultMargin
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.purposes import PURPOSES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "purposes.md"


def row(asked: DefaultMargin, role: str) -> str:
    """An estimand a purpose asks for, as a line of its table."""
    return f"| `{asked.key}` | {role} | {margin_for(asked.key, dict(asked.margin))} | {asked.reason} |"


def page() -> str:
    """The page, in Markdown."""
    lines = [
        "# Purposes, margins, estimands",
        "",
        "Written by `python tools/purposes.py` from the code; a test holds it there. A protocol's own margins",
        "replace these defaults and are decisive.",
        "",
    ]
    for purpose in PURPOSES.values():
        lines += [
            f"## {purpose.name}",
            "",
            purpose.question,
            "",
            "| estimand | role | margin | why |",
            "|---|---|---|---|",
        ]
        lines += [row(asked, "decisive") for asked in purpose.decisive]
        lines += [row(asked, "supporting") for asked in purpose.supporting]
        lines += ["", *(f"{note}\n" for note in purpose.notes)]
    lines += ["## Estimands", "", "| key | what | settings | needs |", "|---|---|---|---|"]
    for key, estimand in ESTIMANDS.items():
        needs = ", ".join(estimand.needs) or "–"
        lines.append(f"| `{key}` | {estimand.definition} | {', '.join(estimand.settings) or '–'} | {needs} |")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
