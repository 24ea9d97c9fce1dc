"""One description, rendered as text for a terminal and as HTML for a notebook and the dossier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from unicodedata import category


@dataclass(frozen=True)
class Card:
    """A titled table with an optional note: what `repr`, `_repr_html_` and the dossier all show."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def text(self) -> str:
        """The card in fixed-width text."""
        lines = [printable(self.title)]
        table = [tuple(map(printable, row)) for row in ([self.header] if any(self.header) else []) + [*self.rows]]
        widths = [max((len(row[i]) for row in table), default=0) for i in range(len(self.header))]
        for row in table:
            lines.append("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        note = "\n".join(map(printable, self.note.split("\n")))
        return "\n".join([*lines, *([note] if note else [])])

    def html(self) -> str:
        """The card as one self-contained table that follows the page's own colours, light or dark."""
        head = "".join(f'<th scope="col" style="text-align:left">{escape(cell)}</th>' for cell in self.header)
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self.rows
        )
        caption = f'<caption style="text-align:left;font-weight:bold">{escape(self.title)}</caption>'
        thead = f"<thead><tr>{head}</tr></thead>" if any(self.header) else ""
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f'<table class="heorsynth-card">{caption}{thead}<tbody>{body}</tbody></table>{note}'


def printable(text: str) -> str:
    r"""The text with every character that a terminal would obey, and none that it would show, written as its escape.

    A file's name and a label come from strangers: a line of theirs must not look like one of ours.

    Examples
    --------
    >>> print(printable("a\x1b[32m\nVerified"))
    a\x1b[32m\nVerified
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or category(one) == "Zs" else escaped(one) for one in text)


def escaped(character: str) -> str:
    r"""One character as Python would write it: \n, \x1b, \udcff."""
    return character.encode("unicode_escape").decode("ascii")


def facts_card(title: str, facts: Sequence[tuple[str, str]], note: str = "") -> Card:
    """A card of name and value pairs, without a header."""
    return Card(title, ("", ""), tuple((str(name), str(value)) for name, value in facts), note)
