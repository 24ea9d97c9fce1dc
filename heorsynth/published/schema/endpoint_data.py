"""The curves and numbers at risk of an endpoint as frames."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class EndpointData:
    """Frames of an endpoint: `curves` (arm, time, survival) and `at_risk` (arm, time, at_risk); empty if not stated."""

    curves: pd.DataFrame
    at_risk: pd.DataFrame
