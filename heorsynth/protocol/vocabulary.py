"""The words by which `init` knows a column: all in lower case, of names cut at signs and capitals."""

from __future__ import annotations

TIME = {"time", "t", "days", "months", "years", "weeks", "duration", "futime", "fu", "followup", "follow_up",
        "survtime", "survival", "os", "pfs", "dfs", "rfs", "efs", "time_to_event", "tte", "ttp", "aval", "week",
        "lenfol"}  # fmt: skip
NOT_TIME = {"age", "birth", "born", "diagnosis", "education", "school", "smoked", "smoking", "stay", "hospital",
            "icu", "los", "calendar", "status", "event", "date", "since"}  # fmt: skip
"""A name with one of these is no follow-up, though it speaks of time."""

EVENT = {"event", "evnt", "evt", "status", "death", "dead", "died", "deceased", "fustat", "cens", "censor",
         "censored", "censoring", "outcome", "cnsr", "relapse", "recurrence", "progression", "arrest", "fstat", "dth",
         "dthfl"}  # fmt: skip
ENDPOINTS = {"os", "pfs", "dfs", "rfs", "efs", "ttp"}
ARM = {"arm", "trt", "treatment", "treat", "rx", "trt01p", "trt01a", "trtp", "trta", "horth", "therapy",
       "intervention", "allocation", "armcd", "actarm"}  # fmt: skip
BESIDE_ARM = {"group", "study", "trial", "random", "randomised", "randomized", "assigned"}
CONTROL = {"placebo", "pbo", "control", "controls", "ctrl", "standard", "usual", "soc", "tau", "bsc", "sham",
           "comparator", "untreated", "observation"}  # fmt: skip
"""How the arm that others are compared with is called."""

COST = {"cost", "costs", "charge", "charges", "expenditure", "meddol", "price", "spend", "spending", "kosten"}
UTILITY = {"qaly", "qalys", "utility", "utilities", "eq5d", "hrqol", "eq"}
GROUP = {"sex", "gender", "race", "ethnicity", "ethnic", "female", "male", "black", "region", "country", "stage",
         "site"}  # fmt: skip

ADAM_TWIN = "N"
"""CDISC adds this to a column's name for the same thing as a number: TRT01P and TRT01PN."""

ADAM_CLERICAL = {"STUDYID", "SUBJID", "PARAM", "PARAMCD", "PARAMN", "AVALU", "EVNTDESC", "CNSDTDSC", "SRCDOM",
                 "SRCVAR", "SRCSEQ", "STARTDTF", "ADTF", "ADY"}  # fmt: skip
"""Columns of an ADTTE table that keep books, or tell again how a follow-up ended."""
