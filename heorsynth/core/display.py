"""One description, rendered as text for a terminal and as HTML for a notebook and the dossier."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from unicodedata import category

WIDTH = 80
"""Columns of a plain terminal, which no line of a card passes."""

INDENT, BETWEEN = "  ", "  "

_LEAST = 10
"""A column is not made narrower than this: words cut into pieces are worse than a row told line by line."""

_TALLEST = 8
"""A row of more lines than this is told line by line over the whole width, instead of in narrow columns."""

SORTING = """
document.querySelectorAll("table").forEach(function (table) {
  if (!table.matches(".heorsynth-card, .sorts") || table.dataset.sorts) { return; }
  table.dataset.sorts = "yes";
  table.querySelectorAll("thead th").forEach(function (th, column) {
    var button = document.createElement("span");
    button.setAttribute("role", "button");
    button.tabIndex = 0;
    button.title = "Sort by this column";
    button.style.cursor = "pointer";
    button.append.apply(button, Array.from(th.childNodes));
    var arrow = document.createElement("span");
    arrow.className = "arrow";
    arrow.setAttribute("aria-hidden", "true");
    arrow.textContent = "\\u00a0\\u2195";
    button.append(arrow);
    th.append(button);
    button.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        event.stopPropagation();
        button.click();
      }
    });
    button.addEventListener("click", function () {
      var up = th.getAttribute("aria-sort") !== "ascending", body = table.tBodies[0];
      table.querySelectorAll("thead th").forEach(function (other) {
        other.removeAttribute("aria-sort");
        other.querySelector(".arrow").textContent = "\\u00a0\\u2195";
      });
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      arrow.textContent = up ? "\\u00a0\\u2191" : "\\u00a0\\u2193";
      var key = function (row) { return row.cells[column].textContent.trim(); };
      var number = function (text) {
        return /^[^A-Za-z0-9]*[0-9]/.test(text) ? parseFloat(text.replace(/,/g, "").replace(/^[^0-9+\\-.]+/, "")) : NaN;
      };
      Array.from(body.rows).sort(function (a, b) {
        var x = key(a), y = key(b), p = number(x), q = number(y);
        if (isNaN(p) !== isNaN(q)) { return isNaN(p) ? 1 : -1; }
        var order = isNaN(p) ? x.localeCompare(y, "en", {numeric: true}) : p - q;
        return up ? order : -order;
      }).forEach(function (row) { body.append(row); });
    });
  });
});
"""
"""Makes the headings of our tables sort by click and by key. Run twice it does nothing; where scripts are not run,
in a notebook not trusted or on a page that strips them, the table is a plain table without dead buttons."""


@dataclass(frozen=True)
class Card:
    """A titled table with an optional note: what `repr`, `_repr_html_` and the dossier all show."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    @property
    def headed(self) -> bool:
        """Whether its columns have names."""
        return any(self.header)

    def text(self) -> str:
        """The card in fixed-width text, no line longer than 80 columns where words allow it."""
        header, *rows = [tuple(map(printable, row)) for row in (self.header, *self.rows)]
        table = [header, *rows] if self.headed else rows
        widths = _widths(table)
        beside = [] if widths is None else [_beside(row, widths) for row in table]
        if not beside or (self.headed and max(map(len, beside)) > _TALLEST):
            body = [line for row in rows for line in _told(header, row)]
        else:
            body = [line for lines in beside for line in lines]
        note = (
            [part for line in self.note.split("\n") for part in _filled(printable(line)) or [""]] if self.note else []
        )
        return "\n".join([*_filled(printable(self.title)), *body, *note])

    def table(self) -> str:
        """The table alone as HTML, which follows the page's own colours, light or dark."""
        head = "".join(f'<th scope="col" style="text-align:left">{escape(cell)}</th>' for cell in self.header)
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self.rows
        )
        caption = f'<caption style="text-align:left;font-weight:bold">{escape(self.title)}</caption>'
        thead = f"<thead><tr>{head}</tr></thead>" if self.headed else ""
        note = "".join(f"<p>{escape(line)}</p>" for line in self.note.splitlines())
        return f'<table class="heorsynth-card">{caption}{thead}<tbody>{body}</tbody></table>{note}'

    def html(self) -> str:
        """The card as one self-contained piece for a notebook; its columns sort where scripts are run."""
        sorts = self.headed and len(self.rows) > 1
        return self.table() + (f"<script>{SORTING}</script>" if sorts else "")


def _widths(table: Sequence[Sequence[str]]) -> list[int] | None:
    """Column widths that fit the terminal, the widest narrowed first; None if words would have to be cut."""
    columns = list(zip(*table, strict=True))
    widths = [max(map(len, column), default=0) for column in columns]
    least = [min(width, max(_LEAST, _longest_word(column))) for width, column in zip(widths, columns, strict=True)]
    room = WIDTH - len(INDENT) - len(BETWEEN) * (len(widths) - 1)
    while sum(widths) > room:
        spare = [width - bound for width, bound in zip(widths, least, strict=True)]
        if not any(spare):
            return widths if len(widths) <= 2 else None
        widest = max((width, place) for place, width in enumerate(widths) if spare[place])[1]
        widths[widest] -= 1
    return widths


def _longest_word(column: Sequence[str]) -> int:
    return max((len(word) for cell in column for word in cell.split(" ")), default=0)


def _beside(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The lines of a row whose cells are wrapped within their columns."""
    cells = [_filled(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, cells), default=0)
    lines = zip(*(cell + [""] * (height - len(cell)) for cell in cells), strict=True)
    return [
        INDENT + BETWEEN.join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _told(header: Sequence[str], row: Sequence[str]) -> list[str]:
    """A row too wide for the terminal: its words on a line, the other cells under it with their names.

    Examples
    --------
    >>> print(*_told(("arm", "cost", "effect"), ("usual", "-72", "0.5")), sep="\\n")
      usual
          cost -72; effect 0.5
    """
    words = 1 if row[1].lstrip("+-−")[:1].isdigit() else 2
    first = _filled(BETWEEN.join(filter(None, row[:words])), WIDTH - len(INDENT), after=BETWEEN * 2)
    others = list(zip(header[words:], row[words:], strict=True))
    rest = row[-1] if len(others) == 1 else "; ".join(f"{name} {cell}" for name, cell in others if cell)
    return [INDENT + line for line in first] + [INDENT * 3 + line for line in _filled(rest, WIDTH - 3 * len(INDENT))]


def _filled(text: str, width: int = WIDTH, after: str = "") -> list[str]:
    """The text in lines of at most this width; no word is cut."""
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False, subsequent_indent=after)


def counted(n: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun, in the singular for 1.

    Examples
    --------
    >>> counted(1, "patient"), counted(0, "patient"), counted(1200, "row"), counted(2, "copy", "copies")
    ('1 patient', '0 patients', '1,200 rows', '2 copies')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def agreeing(n: int, singular: str, plural: str) -> str:
    """Return the form of a verb that agrees with a count: "1 of 5 values is infinite", "2 of 5 values are infinite".

    Examples
    --------
    >>> agreeing(1, "is", "are"), agreeing(2, "has", "have")
    ('is', 'have')
    """
    return singular if n == 1 else plural


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
    return "".join(one if one.isprintable() or category(one) == "Zs" else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    r"""One character as Python would write it: \n, \x1b, \udcff."""
    return character.encode("unicode_escape").decode("ascii")


def facts_card(title: str, facts: Sequence[tuple[str, str]], note: str = "") -> Card:
    """A card of name and value pairs, without a header."""
    return Card(title, ("", ""), tuple((str(name), str(value)) for name, value in facts), note)
