"""The rating sheet as one HTML page that works without network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

_ASKED = {"origin": "The patient is", "fact_error": "Error of facts"}
"""Column of the answers to what the page asks."""

_ITEM = Template(
    '<article data-item="$at" aria-labelledby="text-$at">\n<h2 id="text-$at">Text $at</h2>\n'
    '<blockquote dir="auto">$text</blockquote>\n$questions\n'
    '<fieldset><legend>Comment</legend><input type="text" aria-label="Comment on text $at" maxlength="2000">'
    '<button type="button" aria-label="Clear the answers on text $at">Clear</button></fieldset>\n</article>'
)


def page_of(texts: Sequence[str], questions: Mapping[str, Sequence[str]], language: str = "en") -> str:
    """Return the page of these texts, in this order. It holds nothing of where a text is from.

    Parameters
    ----------
    texts : sequence of str     escaped; each is shown in the direction of its own script
    questions : Mapping         column of the answers to the answers that may be given
    language : str              of the texts

    Examples
    --------
    >>> page = page_of(["A <b> of 64."], {"origin": ("real", "synthetic"), "fact_error": ("yes", "no")})
    >>> "A &lt;b&gt; of 64." in page, page.count("<article")
    (True, 1)
    """
    page = Template(files("heorsynth.language.raters").joinpath("sheet.html").read_text(encoding="utf-8"))
    items = "\n".join(
        _ITEM.substitute(
            at=at, text=escape(text), questions="\n".join(_question(at, *one) for one in questions.items())
        )
        for at, text in enumerate(texts, start=1)
    )
    return page.substitute(n=len(texts), language=escape(language), items=items)


def _question(at: int, column: str, answers: Sequence[str]) -> str:
    inputs = "".join(
        f'<label><input type="radio" name="{column}-{at}" value="{answer}"> {answer}</label>' for answer in answers
    )
    return f"<fieldset><legend>{_ASKED[column]}</legend>{inputs}</fieldset>"
