"""`narrate`: texts of the patients of a labelled synthetic cohort, from templates or from a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heorsynth.core.errors import ModelCallError, Problem, unknown_name
from heorsynth.core.random import check_seed, derived_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.language.facts.sheet import Sheet, sheet_of
from heorsynth.language.models.model import Model
from heorsynth.language.models.prompts import SyntheticFacts, Template
from heorsynth.language.narratives.narratives import Narratives
from heorsynth.language.narratives.writer import Writer, forms_of, kinds_of

_RULES = "State every fact once, with its number and unit as given. Add no fact. Write English prose.\n{facts}"

_TEMPLATES = {
    "vignette": Template("vignette", f"Write a clinical vignette of the patient with these facts. {_RULES}"),
    "summary": Template("summary", f"Write a short case summary of the patient with these facts. {_RULES}"),
    "questionnaire": Template(
        "questionnaire", f"Write questions and this patient's answers in the first person. {_RULES}"
    ),
}
"""The prompt of each kind of text."""


def narrate(
    cohort: Cohort,
    kind: str = "vignette",
    *,
    model: Model | None = None,
    template: Template | None = None,
    seed: int = 1,
    language: str = "en",
    slots: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    levels: Mapping[str, Mapping[str, str]] | None = None,
    patients: Sequence[str] | None = None,
) -> Narratives:
    """Return a text for each patient of a synthetic cohort.

    Parameters
    ----------
    cohort : Cohort            synthetic, with its label; patients are refused
    kind : str                 "vignette", "summary" or "questionnaire"
    model : Model, optional    a language model on record (`language.models.model.open_model`); templates if not given
    template : Template        the model's prompt; that of the kind if not given
    seed : int                 of the choice of forms, and of the model's calls
    language : str             "en"
    slots : sequence of str    keys of the facts to state; all columns but ids, clusters, entry and bands if not given
    names, units : Mapping     column to its printed name; to its unit, such as {"bili": "mg/dL"}
    levels : Mapping           column to {level: printed name}, such as {"sex": {"1": "male", "2": "female"}}
    patients : sequence of str synthetic ids to tell, in this order; all if not given

    Returns
    -------
    Narratives                 each text with its label; the same cohort, settings and seed give the same bytes

    Raises
    ------
    LabelError                 the cohort is not labelled as synthetic
    RoleError                  a slot, column or synthetic id is not in the cohort
    CallRecordError            a call of the model has no record, and the model is not live
    ModelCallError             the model gives no text for any patient

    See Also
    --------
    heorsynth.check_text : What the texts omit, contradict or invent.

    Notes
    -----
    A template draws the form of each sentence from a stream named by the patient's synthetic id. So a text does not
    depend on which other patients are told.

    Examples
    --------
    >>> import heorsynth as hs
    >>> lung = hs.datasets.load("lung")
    >>> drawn = hs.generators.create("marginals").fit(lung, seed=1).sample(n=5, m=1, seed=1)[0]
    >>> texts = hs.narrate(drawn, slots=["age", "sex", "os.status", "os.time"])
    >>> len(texts), texts.label == drawn.label
    (5, True)
    """
    check_seed(seed)
    sheet = sheet_of(cohort, slots=slots, names=names, units=units, levels=levels, language=language)
    if patients is not None:
        sheet = sheet.of_patients(patients)
    if kind not in kinds_of(language):
        raise unknown_name("kind of text", kind, kinds_of(language))
    if model is None:
        return _from_forms(sheet, kind, seed)
    return _from_model(sheet, kind, seed, model, template or _TEMPLATES[kind])


def _from_forms(sheet: Sheet, kind: str, seed: int) -> Narratives:
    writer = Writer(sheet, forms_of(kind, sheet.language))
    told = zip(sheet.ids, sheet.rows, strict=True)
    texts = tuple(writer.text(row, stream(seed, "narrate", kind, name)) for name, row in told)
    return Narratives(sheet.ids, texts, sheet.label, kind, "template", seed, sheet.language)


def _from_model(sheet: Sheet, kind: str, seed: int, model: Model, template: Template) -> Narratives:
    told: dict[str, str] = {}
    refused: dict[str, str] = {}
    for at, name in enumerate(sheet.ids):
        prompt = template.fill(SyntheticFacts(sheet, at))
        try:
            told[name] = model.ask(prompt, seed=derived_seed(seed, "narrate", kind, name) % 2**31)
        except ModelCallError as error:
            refused[name] = error.problems[0].found if error.problems else str(error)
    if not told:
        reason = next(iter(refused.values()), "there is no patient")
        raise ModelCallError(f"model {model.name!r}", Problem("", f"no text for any patient: {reason}", "see above"))
    maker = f"{model.provider}:{model.name}"
    return Narratives(tuple(told), tuple(told.values()), sheet.label, kind, maker, seed, sheet.language, refused)
