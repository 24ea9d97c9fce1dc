"""Words by which `init` recognises columns, in lower case; names are split at signs and capitals."""

from __future__ import annotations

from heorsynth.data.columns.event_words import VITAL

TIME = {"time", "t", "days", "months", "years", "weeks", "duration", "futime", "fu", "followup", "follow_up",
        "survtime", "survival", "os", "pfs", "dfs", "rfs", "efs", "time_to_event", "tte", "ttp", "aval", "week",
        "lenfol"}  # fmt: skip
NOT_TIME = {"age", "birth", "born", "diagnosis", "education", "school", "smoked", "smoking", "stay", "hospital",
            "icu", "los", "calendar", "status", "event", "date", "since"}  # fmt: skip
"""Names with one of these words are not follow-up times."""

TIME_WORDS = {"time", "t", "days", "months", "years", "weeks", "week", "duration", "dur", "tte"}
"""Words that mark a time; the rest of the name is its stem."""

TIME_ENDS = ("time", "days", "months", "years", "weeks")
"""Words that mark a time also at the start or end of a longer word: rfstime, osmonths."""

INDICATOR_WORDS = {"status", "stat", "event", "evt", "evnt", "ind", "indicator", "flag", "cens", "censor", "censored",
                   "cnsr", "censoring", "observed"}  # fmt: skip
INDICATOR_ENDS = ("status", "stat", "event", "cens", "cnsr", "evt")
"""The same for event indicators: os_status, pstat."""

LONGEST_STEM = 4
"""Largest number of other letters in such a word, as in rfstime; a longer word, such as thermostat, is different."""

BETWEEN = {"to", "of", "the", "until", "since", "in", "first", "or", "and", "is", "had", "has"}
"""Words without information on the endpoint."""

GENERAL = {"time", "futime", "fu", "followup", "follow", "duration", "survtime", "lenfol", "aval", "days", "months",
           "years", "weeks", "t"}  # fmt: skip
"""A time with one of these names fits any event."""

_DEATH = VITAL | {"death", "dead", "died", "deceased", "dth", "dthfl", "os", "surv", "survival", "alive", "mortality",
                 "mort", "fu", "futime", "followup", "follow"}  # fmt: skip
_RELAPSE = {"rfs", "relapse", "relapsed", "recur", "recurred", "recurrence", "rec", "rel"}
_PROGRESSION = {"pfs", "ttp", "progression", "progressed", "progress", "prog"}
TOPICS = (_DEATH, _RELAPSE | {"dfs", "efs"}, _PROGRESSION | {"pd"})
"""Sets of words: a time and an event match if both names contain a word of one set."""

ENDPOINT_OF = (("rfs", _RELAPSE | {"r"}), ("pfs", _PROGRESSION | {"p"}), ("os", _DEATH | {"d"}))
"""Name of an endpoint, and the words from which it is inferred."""

EVENT = VITAL | {"event", "evnt", "evt", "status", "stat", "death", "dead", "died", "deceased", "fustat", "cens",
                 "censor", "censored", "censoring", "outcome", "cnsr", "relapse", "relapsed", "recur", "recurred",
                 "recurrence", "progression", "progressed", "arrest", "fstat", "dth", "dthfl", "alive"}  # fmt: skip
ENDPOINTS = {"os", "pfs", "dfs", "rfs", "efs", "ttp"}
ARM = {"arm", "trt", "treatment", "treat", "rx", "trt01p", "trt01a", "trtp", "trta", "horth", "therapy",
       "intervention", "allocation", "armcd", "actarm"}  # fmt: skip
BESIDE_ARM = {"group", "study", "trial", "random", "randomised", "randomized", "assigned"}
CONTROL = {"placebo", "pbo", "control", "controls", "ctrl", "standard", "usual", "soc", "tau", "bsc", "sham",
           "comparator", "untreated", "observation"}  # fmt: skip
"""Names of control arms."""

COST = {"cost", "costs", "charge", "charges", "expenditure", "meddol", "price", "spend", "spending", "kosten"}
UTILITY = {"qaly", "qalys", "utility", "utilities", "eq5d", "hrqol", "eq"}
GROUP = {"sex", "gender", "race", "ethnicity", "ethnic", "female", "male", "black", "region", "country", "stage",
         "site"}  # fmt: skip

ADAM_TWIN = "N"
"""CDISC adds this letter to the name of a column that repeats another one as a number: TRT01P and TRT01PN."""

ADAM_CLERICAL = {"STUDYID", "SUBJID", "PARAM", "PARAMCD", "PARAMN", "AVALU", "EVNTDESC", "CNSDTDSC", "SRCDOM",
                 "SRCVAR", "SRCSEQ", "STARTDTF", "ADTF", "ADY"}  # fmt: skip
"""Administrative columns of an ADTTE table, and columns that repeat the event."""
