"""`rating_kit`: a blinded, shuffled sheet of texts for raters, read back with agreement and rates."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import OutputError, Problem, TextError
from heorsynth.core.estimate import Estimate
from heorsynth.core.random import stream
from heorsynth.language.checks.shares import share
from heorsynth.language.narratives.narratives import Narratives
from heorsynth.language.raters.page import page_of

_QUESTIONS = {"origin": ("real", "synthetic"), "fact_error": ("yes", "no")}
"""Columns that raters fill in, with the answers they may give."""

_COLUMNS = ("item", "text", *_QUESTIONS, "comment")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by a spreadsheet: a quote goes before it."""


@dataclass(frozen=True)
class RatingKit:
    """A shuffled set of texts without their origin, and the key to it.

    Attributes
    ----------
    texts : tuple of str      in the order of the sheet; item 1 is the first
    synthetic : tuple of bool the key: which of them are synthetic
    ids : tuple of str        the key: synthetic id, or "real"
    statement : str           of the label of the synthetic texts
    language : str            of the texts
    """

    texts: tuple[str, ...]
    synthetic: tuple[bool, ...]
    ids: tuple[str, ...]
    statement: str
    language: str = "en"

    def write(self, path: str | Path) -> Path:
        """Write the sheet to fill in. It does not say which texts are synthetic.

        Parameters
        ----------
        path : path      ".html" gives one page with buttons, which works without network and saves the answers as CSV;
                         any other name a CSV with empty cells

        Raises
        ------
        OutputError      the file cannot be written
        """
        if Path(path).suffix.lower() in (".html", ".htm"):
            return _saved(path, page_of(self.texts, _QUESTIONS, self.language))
        rows = [(f"{at}", _cell(text), "", "", "") for at, text in enumerate(self.texts, start=1)]
        return _written(path, _COLUMNS, rows)

    def write_key(self, path: str | Path) -> Path:
        """Write the key as CSV. Keep it from the raters; it carries the statement of the label."""
        rows = [(f"{at}", name, self.statement if made else "") for at, (name, made) in enumerate(
            zip(self.ids, self.synthetic, strict=True), start=1)]  # fmt: skip
        return _written(path, ("item", "origin", "statement"), rows)

    def read(self, sheets: Mapping[str, str | Path]) -> Ratings:
        """Return the ratings of filled sheets.

        Parameters
        ----------
        sheets : Mapping      name of a rater to the filled sheet

        Raises
        ------
        TextError             a sheet that cannot be read, lacks an item or holds another answer than those asked for
        """
        answers = {rater: self._answers(rater, Path(path)) for rater, path in sheets.items()}
        if not answers:
            raise TextError("ratings", Problem("", "there is no sheet", "give one sheet or more"))
        return Ratings(self, answers)

    def _answers(self, rater: str, path: Path) -> pd.DataFrame:
        subject = f"sheet of rater {rater!r}"
        try:
            held = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
        except OSError as error:
            raise TextError(subject, Problem("", f"cannot be read ({error.strerror})", "check the path")) from None
        except (UnicodeDecodeError, csv.Error):
            raise TextError(subject, Problem("", "is no CSV in UTF-8", "save it as CSV, UTF-8")) from None
        by_item = {str(row.get("item", "")).strip(): row for row in held}
        items = [str(at) for at in range(1, len(self.texts) + 1)]
        missing = [item for item in items if item not in by_item]
        problems = [Problem("item", f"{len(missing)} items are missing", "give the whole sheet")] if missing else []
        frame = pd.DataFrame(index=pd.Index(range(1, len(items) + 1), name="item"))
        for name, allowed in _QUESTIONS.items():
            given = [str((by_item.get(item) or {}).get(name) or "").strip().lower() for item in items]
            wrong = sum(one not in ("", *allowed) for one in given)
            if wrong:
                problems.append(
                    Problem(name, f"{wrong} other answers", f"answer {' or '.join(allowed)}, or leave empty")
                )
            frame[name] = given
        if problems:
            raise TextError(subject, problems)
        return frame


@dataclass(frozen=True)
class Ratings:
    """The answers of raters.

    Attributes
    ----------
    kit : RatingKit
    answers : Mapping      rater to a frame with a row an item: origin, fact_error; "" where not answered
    """

    kit: RatingKit
    answers: Mapping[str, pd.DataFrame]

    def called_real(self) -> Estimate:
        """Return the share of answers on synthetic texts that say "real"; .5 is what guessing gives."""
        return self._rate("origin", "real", True)

    def real_called_synthetic(self) -> Estimate:
        """Return the share of answers on real texts that say "synthetic"."""
        return self._rate("origin", "synthetic", False)

    def fact_errors(self) -> Estimate:
        """Return the share of answers on synthetic texts that see a fact error."""
        return self._rate("fact_error", "yes", True)

    def kappa(self, question: str = "origin") -> Estimate:
        """Return Cohen's kappa, averaged over pairs of raters, for items that both answered.

        Raises
        ------
        TextError      fewer than two raters, or no item that two of them answered

        Notes
        -----
        Two raters: the interval of statsmodels (Fleiss, Cohen & Everitt 1969). More: percentiles of 2,000 bootstrap
        draws of items.

        References
        ----------
        Cohen (1960) Educ Psychol Meas 20:37, doi:10.1177/001316446002000104.
        """
        held = np.array([frame[question].to_numpy() for frame in self.answers.values()])
        both = (held != "").all(axis=0)
        if len(held) < 2 or both.sum() < 2:
            raise TextError("kappa", Problem(question, "no two raters answered the same items", "give two sheets"))
        codes = (held[:, both] == _QUESTIONS[question][0]).astype(int)
        n = int(both.sum())
        if len(codes) == 2:
            return _cohen(codes, n)
        rng = stream(1, "raters", question)
        value = _mean_kappa(codes)
        draws = [_mean_kappa(codes[:, rng.integers(n, size=n)]) for _ in range(2000)]
        low, high = np.nanquantile(draws, [0.025, 0.975])
        method = "mean Cohen's kappa of pairs, bootstrap of items"
        return Estimate(value, float(low), float(high), float(np.nanstd(draws)), method=method, n_used=n, n_total=n)

    def _rate(self, question: str, answer: str, synthetic: bool) -> Estimate:
        asked = np.array(self.kit.synthetic) == synthetic
        hits, items = [], []
        for frame in self.answers.values():
            given = frame[question].to_numpy()
            for at in np.flatnonzero(asked & (given != "")):
                hits.append(given[at] == answer)
                items.append(str(at))
        return share(hits, items)

    def card(self) -> Card:
        """Return agreement and rates as a card."""
        rows = [("raters", f"{len(self.answers)}"), ("texts", f"{len(self.kit.texts)}")]
        rows.append(("synthetic called real", str(self.called_real())))
        rows.append(("fact errors seen", str(self.fact_errors())))
        if len(self.answers) > 1:
            rows += [(f"kappa, {name}", str(self.kappa(name))) for name in _QUESTIONS]
        return facts_card("Ratings of texts", rows)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def rating_kit(texts: Narratives, real: Sequence[str] = (), n: int | None = None, seed: int = 1) -> RatingKit:
    """Return a blinded, shuffled sheet of texts, on which raters say "real or synthetic" and mark fact errors.

    Parameters
    ----------
    texts : Narratives           labelled texts of synthetic patients
    real : sequence of str       texts of people, such as published vignettes; none if not given
    n : int, optional            synthetic texts drawn at random; all if not given
    seed : int                   of draw and order

    Returns
    -------
    RatingKit                    with `write`, `write_key` and `read`

    Raises
    ------
    TextError                    `n` is not between 1 and the number of texts

    See Also
    --------
    heorsynth.narrate : The texts.

    Examples
    --------
    >>> import heorsynth as hs
    >>> lung = hs.datasets.load("lung")
    >>> drawn = hs.generators.create("marginals").fit(lung, seed=1).sample(n=30, m=1, seed=1)[0]
    >>> kit = hs.rating_kit(hs.narrate(drawn), real=["A woman of 64 was seen."], n=3)
    >>> len(kit.texts), sum(kit.synthetic)
    (4, 3)
    """
    size = len(texts) if n is None else n
    if not 1 <= size <= len(texts):
        raise TextError("rating kit", Problem("n", f"must lie between 1 and {len(texts)}", "give fewer texts"))
    rng = stream(seed, "rating kit")
    chosen = np.sort(rng.permutation(len(texts))[:size])
    pool = [(texts.texts[at], True, texts.ids[at]) for at in chosen] + [(text, False, "real") for text in real]
    mixed = [pool[at] for at in rng.permutation(len(pool))]
    return RatingKit(
        tuple(one[0] for one in mixed), tuple(one[1] for one in mixed), tuple(one[2] for one in mixed),
        texts.label.statement, texts.language,
    )  # fmt: skip


def _cohen(codes: np.ndarray, n: int) -> Estimate:
    from statsmodels.stats.inter_rater import cohens_kappa, to_table

    table, _ = to_table(codes.T, bins=np.array([-0.5, 0.5, 1.5]))
    found = cohens_kappa(table)
    low, high = float(found.kappa_low), float(found.kappa_upp)
    return Estimate(float(found.kappa), low, high, float(found.std_kappa), method="Cohen's kappa", n_used=n, n_total=n)


def _mean_kappa(codes: np.ndarray) -> float:
    """Return the mean of Cohen's kappa over pairs of raters; NaN for pairs in which nothing varies."""
    values = []
    for first in range(len(codes)):
        for second in range(first + 1, len(codes)):
            a, b = codes[first], codes[second]
            chance = float(a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean()))
            values.append((float((a == b).mean()) - chance) / (1 - chance) if chance < 1 else np.nan)
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(path: str | Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *rows])
    return _saved(path, out.getvalue())


def _saved(path: str | Path, text: str) -> Path:
    try:
        Path(path).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        problem = Problem("", f"cannot be written ({error.strerror})", "check the folder and the disk")
        raise OutputError(f"file {Path(path).name!r}", problem) from None
    return Path(path)
