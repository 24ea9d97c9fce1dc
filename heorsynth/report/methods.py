"""The methods section of a dossier: what was estimated, how, and the sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """One paragraph of the methods section with its sources."""

    title: str
    text: str
    sources: tuple[str, ...] = ()


_GENERAL = (
    Method(
        "The verdict is an equivalence test",
        "For each quantity the difference between the synthetic cohorts and the real one is compared with a "
        "margin on the scale of the quantity, "
        "fixed before any result was seen. The quantity passes if the whole 90% interval of the "
        "difference lies inside the margin, fails if it lies outside, and is inconclusive otherwise. That is two "
        "one-sided "
        'tests at 5%. All decisive quantities must pass for the cohorts to be called fit, so a wrong "fit" stays at or '
        "below 5% however many there are. A quantity that the data cannot "
        "estimate is reported as not estimable, and never counts as a pass.",
        ("Schuirmann (1987) J Pharmacokinet Biopharm 15:657", "Berger (1982) Technometrics 24:295"),
    ),
    Method(
        "Two kinds of uncertainty",
        "The interval covers the sampling of the real patients and the noise of drawing synthetic ones. The "
        "variance of the "
        "difference is that of the real estimate plus that of the mean over the m cohorts; for the latter the "
        "larger of the "
        "variance between cohorts and the mean variance within them is taken, divided by m. More cohorts reduce "
        "the noise of drawing. They never replace more patients.",
    ),
    Method(
        "Analyses of synthetic rows",
        "Estimates from the m cohorts are combined by rules that claim no more information than the real patients "
        "have.",
        ("Raab, Nowok & Dibben (2016) J Priv Confid 7(3):67", "Reiter (2003) Surv Methodol 29:181"),
    ),
)

_OF_PAPER = (
    Method(
        "The verdict is an equivalence test against a paper",
        "For each printed fact the mean over the m cohorts is compared with what is printed. The fact agrees if the "
        "90% interval of the difference, mean ± t sd/√m, lies inside a margin that was fixed beforehand and is no "
        "narrower than the rounding of the printed number. Facts that were constraints of the cohorts are marked and "
        "are no evidence: at least one fact must be left out to test them.",
        ("Schuirmann (1987) J Pharmacokinet Biopharm 15:657", "Berger (1982) Technometrics 24:295"),
    ),
    Method(
        "Reconstruction is an ensemble",
        "Each cohort is a draw of the patients given the clicked curve with its error, the numbers at risk and the "
        "totals. The spread of an estimate over the cohorts is what the paper leaves open. Its interval, mean ± t sd "
        "√(1 + 1/m), holds what the trial's own patients give; the trial's sampling error is not in it.",
        ("Guyot et al. (2012) BMC Med Res Methodol 12:9", "Rubin (1987) Multiple Imputation, section 3.3"),
    ),
)

_BY_CHECK: Mapping[str, Method] = {
    "survival": Method(
        "Survival",
        "Event-free shares are Kaplan-Meier estimates for cause 1, other causes censoring. The restricted mean "
        "is the area "
        "under that curve up to the horizon, with a Greenwood-type standard error; medians and landmarks are "
        "read from the "
        "same curve. The hazard ratio is Cox's. Length of follow-up is compared by the reverse Kaplan-Meier curve.",
        (
            "Kaplan & Meier (1958) JASA 53:457",
            "Royston & Parmar (2013) BMC Med Res Methodol 13:152",
            "Schemper & Smith (1996) Control Clin Trials 17:343",
        ),
    ),
    "costs": Method(
        "Costs",
        "Mean cost is the decision quantity: arithmetic means, over patients whose cost is known, never trimmed "
        "and never "
        "winsorised. The share without cost and upper quantiles support it.",
        ("Thompson & Barber (2000) BMJ 320:1197",),
    ),
    "utilities": Method("Utilities", "Mean utility or QALY over patients for whom it is known."),
    "economics": Method(
        "Economic evaluation",
        "Incremental cost, QALY and net monetary benefit at each declared threshold, from patients whose cost "
        "and QALY are "
        "both known. If the protocol declares covariates or a baseline utility, cost and effect are adjusted by "
        "seemingly unrelated regressions, in the patients and in every cohort, and the findings say so; their "
        "covariance is cluster-robust if clusters are declared. "
        "The share of synthetic cohorts that alone would give the real decision is shown beside them.",
        (
            "Stinnett & Mullahy (1998) Med Decis Making 18:S68",
            "Manca, Hawkins & Sculpher (2005) Health Econ 14:487",
            "van der Linden et al. (2025) Value Health 28(11)",
        ),
    ),
    "subgroups": Method(
        "Subgroups",
        "A level that the synthetic cohorts lost or invented, beyond chance, is a separate finding, because a "
        "standardised difference does not show it. Representation is the share of a level in the synthetic "
        "cohorts divided by its share in the real one.",
        ("29 CFR 1607.4 D (four-fifths rule)",),
    ),
    "structure": Method(
        "Structure",
        "Distributions are compared by the Kolmogorov-Smirnov distance (numbers) and total variation (levels), "
        "relations "
        "between columns by rank correlations, and missingness as a share; intervals of distances come from resampling "
        "the real patients.",
    ),
    "disclosure": Method(
        "Disclosure",
        "Every risk is an attack on patients of the source and, as control, on people the generator never saw: rows "
        "equal or nearest to a patient, detecting members of the training data by "
        "a ratio of densities, by the nearest row or by single columns, guessing a time, cost or "
        "utility from covariates, singling out, linking, and the difference of two releases. "
        "A finding is the difference, one-sided; `real` is the "
        "control. Without a hold-out only copies can be checked.",
        (
            "Giomi et al. (2023) PoPETs 2023(2):312",
            "van Breugel et al. (2023) AISTATS, PMLR 206:3493",
            "Sankararaman et al. (2009) Nat Genet 41:965",
            "Carlini et al. (2022) IEEE S&P 1897",
            "EMA Policy 0070 guidance (2016), risk threshold 0.09",
        ),
    ),
}

LIMITS = (
    "Synthetic rows add no patients. Any number of rows carries only the information of the training patients.",
    'A "fit" is for the purpose and the quantities named here. It does not cover any other use.',
    '"Inconclusive" is an answer: with few patients the interval is wider than the margin, and more synthetic rows do '
    "not narrow it.",
    "Whatever is wrong with the real cohort (selection, confounding, measurement) is wrong with the synthetic "
    "ones too.",
    "Fidelity does not prove anonymity. A synthetic row may resemble a real person, most of all in a rare subgroup.",
    "Labels and synthetic ids can be removed on purpose. They protect against accidents, not against intent.",
)


LIMITS_OF_PAPER = (
    "No row is a patient of the trial. The cohorts carry what the paper prints, and no more.",
    'A "fit" is for the purpose and the quantities named here. It does not cover any other use.',
    "What the paper does not state is drawn from a prior or is absent: no subgroup, interaction or dependence between "
    "endpoints may be estimated from these rows unless the paper reports it.",
    "The sampling error of the trial is not in a reconstruction interval. `analyse` adds the two.",
    "What is wrong with the trial or its report is wrong with the cohorts too.",
)


def methods_for(checks: Iterable[str], *, of_paper: bool = False) -> tuple[Method, ...]:
    """Return the general paragraphs, of patients or of a paper, then those for these checks, in a fixed order."""
    asked = set(checks)
    return (*(_OF_PAPER if of_paper else _GENERAL), *(method for name, method in _BY_CHECK.items() if name in asked))
