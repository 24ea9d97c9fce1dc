"""A toy estimand: the time by which a quarter of the patients had the event."""

from heorsynth.checks.core.estimand import EVERY_GROUP, Estimand
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.observed import Observed, curve
from heorsynth.checks.core.question import Ask
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.survival.summaries import curve_quantile


def first_quarter(ask: Ask) -> list[Finding]:
    """The first quartile of the time to the event."""

    def estimate(data: Observed) -> Estimate:
        return curve_quantile(curve(data, ask.endpoint), 0.25)

    return [ask.question(f"first quartile of {ask.endpoint}", unit=ask.scope.real.schema.unit).judge(estimate)]


FIRST_QUARTER = Estimand(
    key="survival.first_quarter",
    plain="time by which a quarter had the event",
    definition="first quartile of the time to the event (cause 1; other causes censor)",
    formula="min{t : S(t) ≤ ¾}",
    source="Brookmeyer &amp; Crowley (1982) Biometrics 38:29",
    answer=first_quarter,
    asked_of=EVERY_GROUP,
    unit="time",
    settings={"endpoint": None},
)
