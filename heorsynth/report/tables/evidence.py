"""Tables of the findings and of the margins with their reasons."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from heorsynth.checks.analyses.estimands import OF_ANALYSES
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.checks.privacy.estimands import OF_RELEASES
from heorsynth.core.display import Card
from heorsynth.evidence.evidence import PAPER, Evidence
from heorsynth.evidence.finding_text import cells, legend
from heorsynth.report.tables.table import FOOTNOTE, Table

_MARGIN_COLUMNS = ("estimand", "what it is", "margin", "reason", "set by")


def verdict_table(evidence: Evidence, supporting: bool = False) -> Table:
    """Return the table of decisive findings, worst first.

    Parameters
    ----------
    evidence : Evidence      the findings
    supporting : bool        the supporting findings instead, which do not affect the verdict

    Returns
    -------
    Table      differences as a percentage of the real value, a ratio, or an amount, as the margin is written;
               `frame` has the columns of `Evidence.to_frame`

    See Also
    --------
    answers_table : The three answers, to read first.
    margins_table : The margins with their reasons.
    heorsynth.report.figures.forest : The same findings as a figure.
    heorsynth.validate : Makes the evidence.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> evidence = hs.validate(cohort, synthetic, purpose="software-testing", seed=1)
    >>> table = verdict_table(evidence)
    >>> sorted(table.to_frame()["check"].unique())
    ['costs', 'structure', 'subgroups']
    """
    findings = [finding for finding in evidence.findings if finding.decisive is not supporting]
    title = (
        "Supporting findings: no effect on the verdict"
        if supporting
        else "Decisive findings: the verdict rests on these"
    )
    decisive = [finding.decisive is not supporting for finding in evidence.findings]
    frame = evidence.to_frame()[pd.Series(decisive, dtype=bool)].reset_index(drop=True)
    of_paper = evidence.reference == PAPER
    note = "\n".join(filter(None, [legend(findings, of_paper=of_paper), FOOTNOTE]))
    return Table(Card(title, evidence.header, tuple(cells(one, of_paper=of_paper) for one in findings), note), frame)


def answers_table(evidence: Evidence) -> Table:
    """Return the three answers: are the cohorts faithful, are the patients sufficient, is everybody private?

    Parameters
    ----------
    evidence : Evidence      the findings

    Returns
    -------
    Table      a row for each question, with the finding that speaks most against a "yes" and what would settle a
               "not shown"; `frame`: question, answer, decides, sentence, worst, settle

    See Also
    --------
    verdict_table : The findings that the answers rest on.
    heorsynth.validate : Makes the evidence.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("bootstrap").fit(cohort, seed=1).sample(m=20, seed=1)
    >>> table = answers_table(hs.validate(cohort, synthetic, purpose="teaching", seed=1))
    >>> table.to_frame()["question"].tolist()
    ['faithful', 'sufficient', 'private']
    """
    columns = ("question", "answer", "decides", "sentence", "worst", "settle")
    rows = [[getattr(one, name) for name in columns] for one in evidence.answered]
    return Table(evidence.answers_card(), pd.DataFrame(rows, columns=list(columns)))


_SETS = {
    **{one.key: "default of an analysis" for one in OF_ANALYSES},
    **{one.key: "default of a refit" for one in OF_RELEASES},
}
"""What sets the margin of an estimand that no purpose asks for by itself."""


def margins_table(declared: Mapping[str, Mapping[str, object]], evidence: Evidence) -> Table:
    """Return the table of all margins: estimand, definition, margin, reason, and who set it.

    Parameters
    ----------
    declared : Mapping       the protocol's own margins, such as ``{"survival.rmst": {"relative": 0.05}}``
    evidence : Evidence      what was found; quantities that were not declared have their purpose's default

    Returns
    -------
    Table                    `frame`: estimand, what it is, margin, reason, set by

    See Also
    --------
    verdict_table : The findings, with their margins.
    heorsynth.validate : Takes margins of your own.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> evidence = hs.validate(cohort, synthetic, purpose="software-testing", seed=1)
    >>> table = margins_table({}, evidence)
    >>> table.to_frame()["set by"].unique().tolist()
    ['default of the purpose']
    """
    purpose = PURPOSES.get(evidence.purpose)
    asked = () if purpose is None else (*purpose.decisive, *purpose.supporting)
    defaults = {
        item.key: {**item.margin, "reason": item.reason}
        for item in (*asked, *(one.default for one in (*OF_ANALYSES, *OF_RELEASES)))
    }
    rows = []
    for key in dict.fromkeys(finding.key for finding in evidence.findings if finding.key):
        margin = declared.get(key, defaults.get(key, {}))
        settings = {name: value for name, value in margin.items() if name not in ("reason", "amended")}
        shown = plain(settings) + (" (amended)" if margin.get("amended") else "")
        what = ESTIMANDS[key].definition if key in ESTIMANDS else ""
        reason = str(margin.get("reason") or "no reason was given")
        usual = _SETS.get(key, "default of the purpose")
        rows.append((key, what, shown, reason, "protocol" if key in declared else usual))
    card = Card("Margins and their reasons", _MARGIN_COLUMNS, tuple(rows), FOOTNOTE)
    return Table(card, pd.DataFrame(rows, columns=list(_MARGIN_COLUMNS)))


def plain(value: object) -> str:
    """Return settings in one line, without braces.

    Examples
    --------
    >>> plain({"relative": 0.05, "horizon": 3650}), plain({"ratio": [0.8, 1.25]})
    ('relative: 0.05, horizon: 3650', 'ratio: 0.8 to 1.25')
    """
    if isinstance(value, Mapping):
        told = {key: plain(item).replace(", ", " to " if key == "ratio" else ", ") for key, item in value.items()}
        return ", ".join(f"{key}: {told[key]}" for key, item in value.items() if item is not None) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
