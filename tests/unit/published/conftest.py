"""A small paper whose facts agree, as files that a test changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import heorsynth as hs

PAPER = """\
paper: 1
title: Drug against usual care
citations:
  smith: Smith A et al. (2020) J Trials 1:1
arms:
  drug: {name: Drug A, n: 100, source: Figure 1}
  usual: {n: 100, source: Figure 1}
endpoints:
  os:
    unit: month
    curves: {source: Figure 2, file: os.csv}
    at_risk:
      source: Figure 2
      times: [0, 6, 12]
      counts: {drug: [100, 80, 60], usual: [100, 70, 40]}
    events: {source: Table 2, counts: {drug: 50, usual: 70}}
    medians:
      source: Table 2, page 5
      arms: {drug: {value: 18.0, low: 15.1, high: not reached}, usual: {value: 12.0}}
    hazard_ratios:
      - {source: Figure 2, arm: drug, reference: usual, value: 0.62, low: 0.43, high: 0.89}
      - {source: Figure 3, arm: drug, reference: usual, value: 0.70, subgroup: {sex: female}, n: {drug: 40, usual: 45}}
table1:
  source: Table 1
  characteristics:
    age: {unit: year, arms: {drug: {mean: 61.2, sd: 9.8, range: [40, 80]}, usual: {median: 62, iqr: [55, 69]}}}
    sex: {levels: {female: {drug: 40 (40%), usual: {n: 45, percent: 45}}, male: {drug: 60 (60%), usual: 55 (55%)}}}
costs:
  total: {source: Table 3, currency: EUR, price_year: 2020, arms: {drug: {mean: "12,300", sd: "9,100", zeros: 3%}}}
correlations:
  - {source: page 7, between: [age, total], value: 0.12}
"""

CURVES = """\
arm,time,survival
drug,0,1
drug,6,0.8
drug,12,0.6
drug,18,0.5
drug,20,0.45
usual,0,1
usual,6,0.7
usual,12,0.5
usual,18,0.3
usual,20,0.25
"""


Changed = Callable[..., "hs.published.Paper"]


@pytest.fixture
def changed(tmp_path: Path) -> Changed:
    """Reads the paper after replacements in its text; keyword arguments are more files, by name with _ for the dot."""

    def read(*replacements: tuple[str, str], **files: str) -> object:
        text = PAPER
        for old, new in replacements:
            assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
            text = text.replace(old, new)
        (tmp_path / "os.csv").write_text(CURVES, encoding="utf-8")
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_text(content, encoding="utf-8")
        (tmp_path / "paper.yaml").write_text(text, encoding="utf-8")
        return hs.published.read(tmp_path / "paper.yaml")

    return read
