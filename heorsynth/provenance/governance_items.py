"""The questions of the governance sheet, and their sources."""

from __future__ import annotations

from dataclasses import dataclass

WEF, HARPER, CHEERS, RAO, HOUSE = "WEF 2025", "HARPER", "CHEERS 2022", "Rao 2025", "Use"
ELEVATE = "ELEVATE-GenAI"

CITATIONS = {
    HOUSE: "Uses, limits and who answers for them",
    WEF: "World Economic Forum (2025) Synthetic Data: The New Data Frontier",
    HARPER: "Wang et al. (2022) HARPER, Pharmacoepidemiol Drug Saf, doi:10.1002/pds.5507",
    CHEERS: "Husereau et al. (2022) CHEERS 2022, Value in Health 25:3, doi:10.1016/j.jval.2021.11.1351",
    RAO: "Rao et al. (2025) scoping review of synthetic data from language models in health: what studies must report",
    ELEVATE: "Fleurence et al. (2025) ELEVATE-GenAI, Value in Health 28:1611, doi:10.1016/j.jval.2025.06.018: "
    "use of language models",
}
"""Source to its citation, in the order of the sheet."""


@dataclass(frozen=True)
class Question:
    """A question of the sheet.

    Attributes
    ----------
    id, source, text : str
    key : str            key of the governance section for a person's answer; "" if only the run can answer
    required : bool      True if only a person can answer; a release without the answer can be refused
    economic : bool      True if it applies only to protocols with an economic evaluation
    language : bool      True if it applies only where a language model was used
    """

    id: str
    source: str
    text: str
    key: str = ""
    required: bool = False
    economic: bool = False
    language: bool = False


def _cheers(number: int, text: str, key: str = "") -> Question:
    return Question(f"cheers.{number}", CHEERS, f"{number} {text}", key, economic=True)


def _elevate(number: int, text: str) -> Question:
    return Question(f"elevate.{number}", ELEVATE, f"{number} {text}", language=True)


ITEMS: tuple[Question, ...] = (
    Question("house.steward", HOUSE, "Who answers for the data?", "steward", required=True),
    Question("house.intended", HOUSE, "Intended use", "intended_use", required=True),
    Question("house.prohibited", HOUSE, "Prohibited use", "prohibited_use", required=True),
    Question("house.subgroups", HOUSE, "Limits of use in subgroups"),
    Question("house.legal_basis", HOUSE, "Legal basis for using the patients' data", "legal_basis", required=True),
    Question("house.retention", HOUSE, "How long the cohorts are kept", "retention", required=True),
    Question("house.signed", HOUSE, "Who signed off the release (name, role, date)", "signed_off_by", required=True),
    Question("wef.quality", WEF, "Quality protocols"),
    Question("wef.traceability", WEF, "Traceability and provenance, with metadata"),
    Question("wef.transparency", WEF, "Transparency of generation"),
    Question("wef.safeguards", WEF, "Technical safeguards: label, watermark, provenance"),
    Question("wef.oversight", WEF, "Human oversight: who looked at the evidence", "oversight", required=True),
    Question("wef.stakeholders", WEF, "Diverse stakeholders: who was asked", "stakeholders", required=True),
    Question("wef.collapse", WEF, "Model collapse mitigated"),
    Question("wef.kind", WEF, "Synthetic replica, or invented"),
    Question("harper.title", HARPER, "1 Title page and registration"),
    Question("harper.abstract", HARPER, "2 Abstract"),
    Question("harper.amendments", HARPER, "3 Amendments"),
    Question("harper.milestones", HARPER, "4 Milestones", "milestones"),
    Question("harper.rationale", HARPER, "5 Rationale", "rationale"),
    Question("harper.question", HARPER, "6 Research question and objectives"),
    Question("harper.methods", HARPER, "7 Methods"),
    Question("harper.limitations", HARPER, "8 Limitations", "limitations"),
    Question("harper.human_subjects", HARPER, "9 Protection of human subjects", "human_subjects", required=True),
    Question("harper.adverse_events", HARPER, "10 Reporting of adverse events", "adverse_events"),
    Question("harper.references", HARPER, "11 References", "references"),
    Question("harper.appendices", HARPER, "12 Appendices"),
    _cheers(1, "Title"),
    _cheers(2, "Abstract"),
    _cheers(3, "Background and objectives"),
    _cheers(4, "Health economic analysis plan"),
    _cheers(5, "Study population"),
    _cheers(6, "Setting and location", "setting"),
    _cheers(7, "Comparators"),
    _cheers(8, "Perspective", "perspective"),
    _cheers(9, "Time horizon"),
    _cheers(10, "Discount rate", "discounting"),
    _cheers(11, "Selection of outcomes"),
    _cheers(12, "Measurement of outcomes", "outcomes_measured"),
    _cheers(13, "Valuation of outcomes", "outcomes_valued"),
    _cheers(14, "Measurement and valuation of resources and costs"),
    _cheers(15, "Currency, price date and conversion"),
    _cheers(16, "Rationale and description of model", "model"),
    _cheers(17, "Analytics and assumptions"),
    _cheers(18, "Characterising heterogeneity"),
    _cheers(19, "Characterising distributional effects", "distributional_effects"),
    _cheers(20, "Characterising uncertainty"),
    _cheers(21, "Approach to engagement with patients and others affected", "engagement"),
    _cheers(22, "Study parameters"),
    _cheers(23, "Summary of main results"),
    _cheers(24, "Effect of uncertainty"),
    _cheers(25, "Effect of engagement with patients and others affected", "effect_of_engagement"),
    _cheers(26, "Findings, limitations, generalisability and current knowledge", "current_knowledge"),
    _cheers(27, "Source of funding", "funding"),
    _cheers(28, "Conflicts of interest", "conflicts_of_interest"),
    Question("rao.method", RAO, "Method of generation"),
    Question("rao.prompts", RAO, "Prompts"),
    Question("rao.post_processing", RAO, "Post-processing"),
    Question("rao.evaluation", RAO, "Evaluation"),
    Question("rao.privacy", RAO, "Assessment of privacy"),
    Question("rao.human", RAO, "Evaluation by people", "human_evaluation"),
    Question("rao.availability", RAO, "Availability of data and code"),
    _elevate(1, "Model characteristics"),
    _elevate(2, "Accuracy assessment"),
    _elevate(3, "Comprehensiveness assessment"),
    _elevate(4, "Factuality verification"),
    _elevate(5, "Reproducibility protocols and generalizability"),
    _elevate(6, "Robustness checks"),
    _elevate(7, "Fairness and bias"),
    _elevate(8, "Deployment context and efficiency metrics"),
    _elevate(9, "Calibration and uncertainty"),
    _elevate(10, "Security and privacy"),
)

KEYS: tuple[str, ...] = tuple(dict.fromkeys(one.key for one in ITEMS if one.key))
"""The keys of a protocol's governance section."""
