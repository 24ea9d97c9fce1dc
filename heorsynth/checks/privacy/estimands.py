"""The estimands of disclosure: one for each attack."""

from __future__ import annotations

import math

from heorsynth.checks.core.estimand import EVERY_GROUP, NEVER, ONE, PRIVATE, REPEATED, Estimand
from heorsynth.checks.privacy import attempts

COPIES = Estimand(
    key="disclosure.copies",
    plain="rows equal to a patient",
    definition="share of synthetic rows equal to a patient in every column, and with a hold-out the share of patients "
    "equal to a row of any cohort; with a hold-out, minus the same share for people never seen",
    formula="rows equal to a patient in every column / rows, and patients equal to a row of any cohort / "
    "patients, each minus the same for people never seen",
    answer=attempts.copies,
    scales=ONE,
    margin={"absolute": 0.01},
    reason="one row, or one patient, in a hundred: with few coarse columns people are equal by chance",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

NEAR_COPIES = Estimand(
    key="disclosure.near_copies",
    plain="rows all but equal to a patient",
    definition="share of synthetic rows that have all levels of a patient and every number within a twentieth of its "
    "standard deviation, minus the same share for people never seen",
    formula="rows with a patient's levels and, of every number x, |x<sub>row</sub> − x<sub>patient</sub>| ≤ "
    "SD(x)/20, / rows, minus the same for people never seen",
    answer=attempts.near_copies,
    asked_of=REPEATED,
    scales=ONE,
    margin={"absolute": 0.01},
    reason="as for copies: a slightly changed copy is still the same patient",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

CONTAMINATION = Estimand(
    key="disclosure.contamination",
    plain="rows equal to a person of the hold-out",
    definition="share of synthetic rows equal to a person of the hold-out in every column, minus the share of "
    "patients of the source who are",
    formula="rows equal to a person of the hold-out / rows, minus the share of patients who are",
    answer=attempts.contamination,
    scales=ONE,
    margin={"absolute": 0.01},
    reason="as for copies: a hold-out that the generator has seen is not a valid control",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

NEAREST = Estimand(
    key="disclosure.nearest",
    plain="resemblance to patients beyond chance",
    definition="share of synthetic rows nearer to a patient of the source than to a person never seen, minus one half",
    formula="P(nearest person is a patient of the source) − ½, for equally many of both",
    answer=attempts.nearest,
    asked_of=EVERY_GROUP,
    scales=ONE,
    margin={"absolute": 0.05},
    reason="0.55, where 0.50 means no memorisation: half the excess of sequential trees, which memorise (0.60)",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

MEMBERSHIP = Estimand(
    key="disclosure.membership",
    plain="telling who took part",
    definition="area under the ROC curve of a density-ratio attack on membership in the training data, minus one half",
    formula="AUC − ½ of the score log(distance to the nearest other person / distance to the nearest row)",
    source="van Breugel et al. (2023) AISTATS, PMLR 206:3493; DeLong et al. (1988) Biometrics 44:837",
    answer=attempts.membership,
    asked_of=EVERY_GROUP,
    scales=ONE,
    margin={"absolute": 0.05},
    reason="as for nearness, of which it is a stronger form",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

ATTRIBUTE = Estimand(
    key="disclosure.attribute",
    plain="guessing an unknown value of a patient",
    definition="how often a time, cost or utility is guessed from covariates, in patients of the source minus "
    "people never seen",
    formula="success on patients of the source − success on people never seen",
    source="Giomi et al. (2023) PoPETs 2023(2):312",
    answer=attempts.attribute,
    asked_of=REPEATED,
    scales=ONE,
    margin={"absolute": 0.09},
    reason="0.09 is the risk that EMA Policy 0070 (2016) and Health Canada (2019) accept for published clinical data",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

LINKAGE = Estimand(
    key="disclosure.linkage",
    plain="learning about a patient linked by quasi-identifiers",
    definition="how often a column is guessed from the rows that agree best in the declared `quasi_identifiers`, in "
    "patients of the source minus people never seen; for every other column",
    formula="success on patients of the source − success on people never seen",
    source="Giomi et al. (2023) PoPETs 2023(2):312; Sweeney (2002) Int J Uncertain Fuzz 10:557",
    answer=attempts.linkage,
    asked_of=REPEATED,
    scales=ONE,
    margin={"absolute": 0.09},
    reason="as for guessing an attribute",
    limit=0.5,
    settings={"quasi_identifiers": None},
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

SINGLING_OUT = Estimand(
    key="disclosure.singling_out",
    plain="singling out one patient",
    definition="how often a description of one synthetic row fits exactly one patient of the source, minus how often "
    "it fits exactly one person never seen",
    formula="success on patients of the source − success on people never seen",
    source="Giomi et al. (2023) PoPETs 2023(2):312",
    answer=attempts.singling_out,
    asked_of=REPEATED,
    scales=ONE,
    margin={"absolute": 0.09},
    reason="as for guessing an attribute",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

LINKABILITY = Estimand(
    key="disclosure.linkability",
    plain="joining two halves of a record",
    definition="how often two halves of a record lead to the same synthetic row, in patients of the source minus "
    "people never seen",
    formula="success on patients of the source − success on people never seen",
    source="Giomi et al. (2023) PoPETs 2023(2):312",
    answer=attempts.linkability,
    asked_of=REPEATED,
    scales=ONE,
    margin={"absolute": 0.09},
    reason="as for guessing an attribute",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

NEAREST_RECORD = Estimand(
    key="disclosure.nearest_record",
    plain="telling who took part by the nearest row",
    definition="area under the ROC curve of an attack on membership by the distance to the nearest row of any cohort, "
    "minus one half",
    formula="AUC − ½ of the score −(distance to the nearest row)",
    source="DeLong et al. (1988) Biometrics 44:837",
    answer=attempts.nearest_record,
    asked_of=EVERY_GROUP,
    scales=ONE,
    margin={"absolute": 0.05},
    reason="as for telling who took part",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

MARGINAL = Estimand(
    key="disclosure.marginal",
    plain="telling who took part by single columns",
    definition="area under the ROC curve of a marginal likelihood-ratio attack on membership, minus one half: rows "
    "against all other people, summed over the columns",
    formula="AUC − ½ of the score ∑<sub>columns</sub> log(share of rows / share of all other people) at the "
    "person's value",
    source="Homer et al. (2008) PLoS Genet 4:e1000167; Sankararaman et al. (2009) Nat Genet 41:965",
    answer=attempts.marginal,
    asked_of=EVERY_GROUP,
    scales=ONE,
    margin={"absolute": 0.1},
    reason="0.60 with a list of all candidates is 0.55 for an intruder who has a sample of other people instead",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

MEMBERS_FOUND = Estimand(
    key="disclosure.members_found",
    plain="patients found almost without false alarms",
    definition="share of patients above a threshold that another person of the population exceeds with a probability "
    "of 1% (0.1% in support), minus this probability; for three attacks on membership",
    formula="share of patients with a score above the k-th largest of h people never seen − k/(h + 1), "
    "k = floor(0.01 (h + 1))",
    source="Carlini et al. (2022) IEEE Symp Secur Priv 1897; Newcombe (1998) Stat Med 17:873",
    answer=attempts.members_found,
    asked_of=REPEATED,
    scales=ONE,
    margin={"absolute": 0.01},
    reason="2% of patients found, where 1% are by chance: as for copies, one more patient in a hundred",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

DIFFERENCING = Estimand(
    key="disclosure.differencing",
    plain="a patient's numbers from two releases",
    definition="share of the error of a patient's numbers that the difference of a release with and one without this "
    "patient removes: 1 − median error / median error by the difference of another patient",
    formula="1 − med|n·x̄<sub>all</sub> − (n − 1)·x̄<sub>without i</sub> − x<sub>i</sub>| / the same with another "
    "patient's difference",
    answer=attempts.differencing,
    scales=ONE,
    margin={"absolute": 0.2},
    reason="the error stays at four fifths or more of what a stranger's difference gives",
    limit=1.0,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

DIFFERENCING_LEVELS = Estimand(
    key="disclosure.differencing_levels",
    plain="a patient's levels from two releases",
    definition="how often the difference of a release with and one without a patient gives a level of this patient "
    "right, minus how often the difference of another patient does",
    formula="indicators of levels right by n·p<sub>all</sub> − (n − 1)·p<sub>without i</sub> &gt; ½, minus right by "
    "another patient's difference",
    answer=attempts.differencing_levels,
    scales=ONE,
    margin={"absolute": 0.05},
    reason="as for telling who took part",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

EXTREME_PATIENTS = Estimand(
    key="disclosure.extreme_patients",
    plain="telling whether an extreme patient took part",
    definition="area under the ROC curve that tells cohorts fitted with one of the ten most extreme patients from "
    "cohorts fitted without, mean over the ten, minus one half",
    formula="mean AUC − ½ of the score ∑<sub>columns</sub> x̄<sub>cohort</sub>·x<sub>i</sub>/Var(x̄)",
    source="Stadler, Oprisanu &amp; Troncoso (2022) USENIX Security 1451",
    answer=attempts.extreme_patients,
    scales=ONE,
    margin={"absolute": 0.1},
    reason="0.60: twice the excess of the other attacks on membership, as these patients are the most exposed",
    limit=0.5,
    folders=NEVER,
    question=PRIVATE,
    span=(0.0, math.inf),
)

OF_RELEASES = (DIFFERENCING, DIFFERENCING_LEVELS, EXTREME_PATIENTS)
"""The attacks on two releases; they need refits, and no hold-out."""

ALARMS = (DIFFERENCING, DIFFERENCING_LEVELS)
"""Those that decide where they fail. Twenty patients left out find an exact release, and cannot show that a bounded one
is within the margin. The third supports: its attacker knows all other patients."""

STREAMS = (
    COPIES,
    NEAREST,
    MEMBERSHIP,
    ATTRIBUTE,
    SINGLING_OUT,
    LINKABILITY,
    CONTAMINATION,
    NEAR_COPIES,
    NEAREST_RECORD,
    MARGINAL,
    MEMBERS_FOUND,
    *OF_RELEASES,
    LINKAGE,
)
"""The position of an attack sets its random stream, so new attacks come last."""
