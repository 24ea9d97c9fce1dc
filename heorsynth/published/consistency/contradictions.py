"""All contradictions of a paper as one frame."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from heorsynth.published.consistency.contradiction import COLUMNS, IMPOSSIBLE, Contradiction
from heorsynth.published.consistency.counts import count_contradictions
from heorsynth.published.consistency.curves import curve_contradictions
from heorsynth.published.consistency.ranges import range_contradictions
from heorsynth.published.consistency.ratios import ratio_contradictions
from heorsynth.published.consistency.tables import table_contradictions
from heorsynth.published.schema.document import Document
from heorsynth.published.schema.endpoint_data import EndpointData


def contradictions_of(document: Document, data: Mapping[str, EndpointData]) -> pd.DataFrame:
    """Return one row a contradiction: impossible ones first, then by size."""
    found: list[Contradiction] = [
        *range_contradictions(document),
        *table_contradictions(document),
        *count_contradictions(document, data),
        *ratio_contradictions(document, data),
        *curve_contradictions(document, data),
    ]
    found.sort(key=lambda one: (one.severity != IMPOSSIBLE, -abs(one.size)))
    return pd.DataFrame([one.row() for one in found], columns=list(COLUMNS))
