"""`Analysis`: an analysis that the user declares, before any result is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from heorsynth.checks.analyses.formula import ReadFormula, read_formula, same_term
from heorsynth.core.errors import AnalysisError, Problem, nearest
from heorsynth.core.numbers import is_number

COX, AFT, OLS, GAMMA, LOGIT, POISSON, RMST, CALL = (
    "cox",
    "aft",
    "ols",
    "glm-gamma-log",
    "logit",
    "poisson",
    "rmst",
    "call",
)
MODELS = (COX, AFT, OLS, GAMMA, LOGIT, POISSON, RMST, CALL)
OF_ENDPOINT = (COX, AFT, RMST)
"""The models whose formula has an endpoint on its left side; the others have a column there."""

_LONGEST_NAME = 80


@dataclass(frozen=True, eq=False)
class Analysis:
    """An analysis that runs on the patients and on every synthetic cohort.

    Attributes
    ----------
    name : str              its name in findings and tables
    model : str             cox, aft (Weibull), ols, glm-gamma-log, logit, poisson, rmst, or call
    formula : str           "os ~ trt + age": an endpoint (cox, aft, rmst) or a column, and the terms
    focus : sequence        the terms of interest; by default all but the intercept
    level : float           significance level of its decision
    call : str or callable  for model "call": "file.py:function", or the function. It takes a frame and returns
                            {name: (estimate, standard error)}, or a DataFrame with columns estimate and se
    margin : float          largest difference that is accepted, in the unit of the estimate
    margin_se : float       the same in standard errors of the patients' estimate; 1 if no margin is given. If both are
                            given, the narrower decides
    horizon : float         for rmst; by default that of `survival.rmst`
    decisive : bool         whether the verdict rests on it

    Raises
    ------
    AnalysisError           a setting that is missing, unknown or impossible

    Notes
    -----
    Estimates are on the scale of the coefficients: log hazard ratios (cox), log ratios of time (aft), differences
    (ols, rmst), log ratios of means (glm-gamma-log, poisson) and log odds ratios (logit). For cox, aft and rmst the
    event is cause 1, and other causes censor. Rows with a missing value in a column of the analysis are left out.
    Levels are those of the patients in every cohort.

    See Also
    --------
    heorsynth.replicate : shows it on the patients and on the synthetic cohorts, side by side
    heorsynth.validate : judges its estimates and decisions

    Examples
    --------
    >>> Analysis("primary", model="cox", formula="os ~ trt + age", focus=["trt"]).focus
    ('trt',)
    >>> Analysis("primary", model="coks", formula="os ~ trt")
    Traceback (most recent call last):
    heorsynth.core.errors.AnalysisError: analysis 'primary' has 1 problem
      1. model: 'coks' is not a model
          fix: did you mean 'cox'?
    """

    name: str
    model: str = CALL
    formula: str = ""
    focus: Sequence[str] = ()
    level: float = 0.05
    call: str | Callable[[Any], object] = ""
    margin: float | None = None
    margin_se: float | None = None
    horizon: float | None = None
    decisive: bool = True

    def __post_init__(self) -> None:
        if problems := self._problems():
            raise AnalysisError(f"analysis {str(self.name)[:_LONGEST_NAME]!r}", problems)
        object.__setattr__(self, "focus", (self.focus,) if isinstance(self.focus, str) else tuple(self.focus))

    @property
    def parsed(self) -> ReadFormula:
        """The formula, read. Only for models with a formula."""
        read = read_formula(self.formula)
        assert isinstance(read, ReadFormula), "the formula was read when the analysis was made"
        return read

    @property
    def scripted(self) -> bool:
        """Whether a function of the user estimates it."""
        return self.model == CALL

    @classmethod
    def of(cls, declared: Analysis | Mapping[str, object]) -> Analysis:
        """Return the analysis of a protocol's section or of a mapping; AnalysisError for an unknown key."""
        if isinstance(declared, cls):
            return declared
        if not isinstance(declared, Mapping):
            problem = Problem("analyses", "not an analysis", "give hs.Analysis(...) or a mapping of its settings")
            raise AnalysisError("analyses", problem)
        known = [one.name for one in fields(cls)]
        unknown = [str(key) for key in declared if key not in known]
        name = str(declared.get("name", ""))
        if unknown or not name:
            problems = [Problem(key, "not a setting of an analysis", nearest(key, known)) for key in unknown]
            problems += [] if name else [Problem("name", "is missing", "give the analysis a name")]
            raise AnalysisError(f"analysis {name!r}", problems)
        settings: dict[str, Any] = {str(key): value for key, value in declared.items()}
        return cls(**settings)

    def _problems(self) -> list[Problem]:
        problems = []
        if not isinstance(self.name, str) or not self.name.strip() or len(self.name) > _LONGEST_NAME:
            problems.append(Problem("name", f"is not a text of 1 to {_LONGEST_NAME} characters", "name the analysis"))
        if self.model not in MODELS:
            fix = nearest(str(self.model), MODELS)
            return [*problems, Problem("model", f"{str(self.model)[:_LONGEST_NAME]!r} is not a model", fix)]
        if not is_number(self.level) or not 0 < self.level < 0.5:
            problems.append(Problem("level", "must lie between 0 and 0.5", "0.05 is the usual significance level"))
        for setting in ("margin", "margin_se", "horizon"):
            value = getattr(self, setting)
            if value is not None and (not is_number(value) or value <= 0):
                problems.append(Problem(setting, "must be a number above 0", f"write for example {setting}=1"))
        if self.horizon is not None and self.model != RMST:
            problems.append(Problem("horizon", f"is not a setting of {self.model}", "leave it out"))
        listed = [self.focus] if isinstance(self.focus, str) else self.focus
        if not isinstance(listed, (list, tuple)) or not all(isinstance(one, str) for one in listed):
            return [*problems, Problem("focus", "is not a list of terms", 'write for example focus=["trt"]')]
        return problems + (self._call_problems() if self.model == CALL else self._formula_problems(listed))

    def _call_problems(self) -> list[Problem]:
        fix = 'write call="file.py:function"'
        problems = []
        if self.formula:
            problems.append(Problem("formula", "is not a setting of call", "leave it out, or name the model"))
        if isinstance(self.call, str):
            file, _, function = self.call.rpartition(":")
            if not file.endswith(".py") or not function.isidentifier():
                problems.append(Problem("call", "does not name a function of a .py file", fix))
        elif not callable(self.call):
            problems.append(Problem("call", "is neither a function nor the name of one", fix))
        return problems

    def _formula_problems(self, focus: Sequence[str]) -> list[Problem]:
        problems = [Problem("call", f"is not a setting of {self.model}", "leave it out")] if self.call else []
        read = read_formula(self.formula) if isinstance(self.formula, str) else Problem("formula", "is not text")
        if isinstance(read, Problem):
            return [*problems, read]
        if not read.names:
            problems.append(Problem("formula", "has no term beside the intercept", "add the terms to compare"))
        for term in focus:
            if not any(same_term(term.split("[")[0], name) for name in read.names) and not _of_levels(term, read.names):
                problems.append(Problem("focus", f"{term!r} is not a term of the formula", nearest(term, read.names)))
        return problems


def _of_levels(column: str, names: Sequence[str]) -> bool:
    """Return whether a name such as "sex[T.m]:trt" is a column of one of the terms."""
    parts = ":".join(part.split("[")[0] for part in column.split(":"))
    return any(same_term(parts, name) for name in names)
