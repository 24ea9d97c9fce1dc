"""The words by which `init` knows a column: all in lower case, of names cut at signs and capitals."""

from __future__ import annotations

from heorsynth.data.columns.event_words import VITAL

TIME = {"time", "t", "days", "months", "years", "weeks", "duration", "futime", "fu", "followup", "follow_up",
        "survtime", "survival", "os", "pfs", "dfs", "rfs", "efs", "time_to_event", "tte", "ttp", "aval", "week",
        "lenfol"}  # fmt: skip
NOT_TIME = {"age", "birth", "born", "diagnosis", "education", "school", "smoked", "smoking", "stay", "hospital",
            "icu", "los", "calendar", "status", "event", "date", "since"}  # fmt: skip
"""A name with one of these is no follow-up, though it speaks of time."""

TIME_WORDS = {"time", "t", "days", "months", "years", "weeks", "week", "duration", "dur", "tte"}
"""Words of a name that say that it is a time; what is left of the name says of what."""

TIME_ENDS = ("time", "days", "months", "years", "weeks")
"""These say so at either end of a word too: rfstime, osmonths."""

INDICATOR_WORDS = {"status", "stat", "event", "evt", "evnt", "ind", "indicator", "flag", "cens", "censor", "censored",
                   "cnsr", "censoring", "observed"}  # fmt: skip
INDICATOR_ENDS = ("status", "stat", "event", "cens", "cnsr", "evt")
"""The same of how a follow-up ended: os_status, pstat."""

LONGEST_STEM = 4
"""Letters beside such an end, as in rfstime: more of them make a word of their own, such as lifetime or thermostat."""

BETWEEN = {"to", "of", "the", "until", "since", "in", "first", "or", "and", "is", "had", "has"}
"""Words that say nothing of what was followed."""

GENERAL = {"time", "futime", "fu", "followup", "follow", "duration", "survtime", "lenfol", "aval", "days", "months",
           "years", "weeks", "t"}  # fmt: skip
"""A time with one of these names is a follow-up of anything."""

DEATH = VITAL | {"death", "dead", "died", "deceased", "dth", "dthfl", "os", "surv", "survival", "alive", "mortality",
                 "mort", "fu", "futime", "followup", "follow"}  # fmt: skip
RELAPSE = {"rfs", "relapse", "relapsed", "recur", "recurred", "recurrence", "rec", "rel"}
PROGRESSION = {"pfs", "ttp", "progression", "progressed", "progress", "prog"}
TOPICS = (DEATH, RELAPSE | {"dfs", "efs"}, PROGRESSION | {"pd"})
"""Words of which one may stand in the name of a time and another in that of its event."""

ENDPOINT_OF = (("rfs", RELAPSE | {"r"}), ("pfs", PROGRESSION | {"p"}), ("os", DEATH | {"d"}))
"""What an endpoint is called whose names are of a topic."""

EVENT = VITAL | {"event", "evnt", "evt", "status", "stat", "death", "dead", "died", "deceased", "fustat", "cens",
                 "censor", "censored", "censoring", "outcome", "cnsr", "relapse", "relapsed", "recur", "recurred",
                 "recurrence", "progression", "progressed", "arrest", "fstat", "dth", "dthfl", "alive"}  # fmt: skip
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
