import numpy as np

import heorsynth as hs
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.core.errors import HorizonError, Problem


def test_fewer_than_five_patients_are_not_shown_and_five_are():
    cohort = hs.datasets.load("pbc")
    assert too_few(cohort.take(np.arange(4))) == "fewer than 5 real patients: not shown"
    assert too_few(cohort.take(np.arange(5))) == ""


def test_a_reason_is_the_problems_in_one_line_and_else_the_subject():
    both = HorizonError("rmst", [Problem("horizon", "too late", "earlier"), Problem("", "nobody at risk", "")])
    assert reason_of(both) == "horizon: too late; nobody at risk"
    assert reason_of(HorizonError("rmst", [])) == "rmst"
