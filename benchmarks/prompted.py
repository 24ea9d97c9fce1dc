"""What the verdict says of rows that are asked of a language model, beside cohorts of the paper and beside `heor`.

    python benchmarks/prompted.py --trials 10 --patients 200

No language model answers here. `IndependentWriter` stands in for one: it draws every column from its line in the facts
on its own, survival times from an exponential law with the printed median. That is what is feared of such rows, and
not a measurement of any model. Patients are simulated, with an effect of age and stage on survival and on cost; of
each trial a paper file is written, and the truth is known.
"""

import argparse
import json
import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import heorsynth as hs
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.paper import evidence_of_paper, plan_for_paper
from heorsynth.language.models.calls import Answer, Call, Parameters
from heorsynth.language.models.model import Model
from heorsynth.language.models.records import Records
from heorsynth.language.rows.prompted import judged, prompted
from heorsynth.published.trial.trial import PublishedTrial

ARMS, COHORTS = ("usual", "drug"), 5


class IndependentWriter:
    """A stand-in for a language model: independent columns with the printed marginals."""

    provider, model = "scripted", "independent-columns"

    def send(self, call: Call) -> Answer:
        rng = stream(call.parameters.seed, "independent writer")
        facts = {name: float(value.replace(",", "")) for name, value in
                 re.findall(r"^- ([\w.]+): ([\d.,]*\d)", call.prompt.user, re.MULTILINE)}  # fmt: skip
        arm = re.search(r"Arm of the rows: (\w+)", call.prompt.user).group(1)
        n = int(re.search(r"a list of (\d+) objects", call.prompt.user).group(1))
        size = facts[f"n.{arm}"]
        stages = [facts[f"table1.stage.{level}.n.{arm}"] / size for level in ("early", "late")]
        columns = {
            "time": np.maximum(rng.exponential(facts[f"os.median.{arm}"] / np.log(2), n), 0.01).round(2),
            "event": rng.binomial(1, facts[f"os.events.{arm}"] / size, n),
            "age": rng.normal(facts[f"table1.age.mean.{arm}"], facts[f"table1.age.sd.{arm}"], n).round(1),
            "stage": rng.choice(["early", "late"], n, p=np.array(stages) / sum(stages)),
            "total": rng.normal(facts[f"cost.total.mean.{arm}"], facts[f"cost.total.sd.{arm}"], n).clip(0).round(),
        }  # fmt: skip
        rows = pd.DataFrame(columns).to_dict("records")
        return Answer(json.dumps({"rows": rows}), self.model, "1", "stop")


def patients(n: int, seed: int) -> pd.DataFrame:
    """n patients in two arms; age and late stage raise the hazard and the cost."""
    rng = stream(seed, "prompted", "patients")
    arm = np.repeat(ARMS, [n // 2, n - n // 2])
    age, late = rng.normal(62, 9, n).round(1), rng.random(n) < 0.45
    hazard = np.log(2) / 20 * np.exp(0.05 * (age - 62) + 0.9 * late - 0.4 * (arm == "drug"))
    died, censored = rng.exponential(1 / hazard), rng.uniform(12, 48, n)
    cost = rng.gamma(2, (4000 + 6000 * late + 80 * (age - 62).clip(-40) + 3000 * (arm == "drug")) / 2)
    return pd.DataFrame({
        "time": np.minimum(died, censored).round(2).clip(0.01), "event": (died <= censored).astype(int), "arm": arm,
        "age": age, "stage": np.where(late, "late", "early"), "total": cost.round(),
    })  # fmt: skip


def paper_of(frame: pd.DataFrame, folder: Path) -> PublishedTrial:
    """The paper of a trial: curves, numbers at risk, events, medians, the hazard ratio, Table 1 and costs."""
    from lifelines import CoxPHFitter, KaplanMeierFitter

    fits = {arm: KaplanMeierFitter().fit(own["time"], own["event"]) for arm, own in frame.groupby("arm")}
    curves, sizes = [], frame["arm"].value_counts()
    for arm, fit in fits.items():
        steps = fit.survival_function_.iloc[:, 0]
        corners = pd.DataFrame({"time": np.repeat(steps.index, 2)[1:], "survival": np.repeat(steps.to_numpy(), 2)[:-1]})
        curves.append(corners.assign(arm=arm)[["arm", "time", "survival"]])
    pd.concat(curves).round(4).to_csv(folder / "os.csv", index=False)
    grid = [0, 12, 24, 36]
    medians = {arm: fit.median_survival_time_ for arm, fit in fits.items()}
    risk = {arm: [int((own["time"] >= at).sum()) for at in grid] for arm, own in frame.groupby("arm")}
    cox = CoxPHFitter().fit(frame.assign(drug=frame["arm"] == "drug")[["time", "event", "drug"]], "time", "event")
    ratio = np.exp(cox.params_["drug"]), *np.exp(cox.confidence_intervals_.loc["drug"])

    hr = f"value: {ratio[0]:.2f}, low: {ratio[1]:.2f}, high: {ratio[2]:.2f}"

    def of_arms(made: Callable[[pd.DataFrame, str], object]) -> str:
        return ", ".join(f"{arm}: {made(frame[frame['arm'] == arm], arm)}" for arm in ARMS)

    text = f"""\
paper: 1
title: A simulated trial
citations: {{sim: Simulated by benchmarks/prompted.py}}
arms: {{{of_arms(lambda own, arm: f"{{n: {sizes[arm]}, source: Figure 1}}")}}}
endpoints:
  os:
    unit: month
    curves: {{source: Figure 2, file: os.csv}}
    at_risk: {{source: Figure 2, times: {grid}, counts: {{{of_arms(lambda own, arm: risk[arm])}}}}}
    events: {{source: Table 2, counts: {{{of_arms(lambda own, arm: int(own["event"].sum()))}}}}}
    medians: {{source: Table 2, arms: {{{of_arms(lambda own, arm: f"{{value: {medians[arm]:.1f}}}")}}}}}
    hazard_ratios:
      - {{source: Table 2, arm: drug, reference: usual, {hr}}}
table1:
  source: Table 1
  characteristics:
    age: {{unit: year, arms: {{{of_arms(lambda own, arm: f"{{mean: {own.age.mean():.1f}, sd: {own.age.std():.1f}}}")}}}
     }}
    stage:
      levels:
        early: {{{of_arms(lambda own, arm: int((own.stage == "early").sum()))}}}
        late: {{{of_arms(lambda own, arm: int((own.stage == "late").sum()))}}}
costs:
  total:
    source: Table 3
    currency: EUR
    price_year: 2024
    arms: {{{of_arms(lambda own, arm: f"{{mean: {own.total.mean():.0f}, sd: {own.total.std():.0f}}}")}}}
"""
    (folder / "paper.yaml").write_text(text, encoding="utf-8")
    return PublishedTrial.read(folder / "paper.yaml").with_options()


def trial(n: int, seed: int) -> list[tuple[str, str, dict[str, str], Counter[str], list[str]]]:
    """Verdicts on one trial: against the paper, and against its patients."""
    frame = patients(n, seed)
    with tempfile.TemporaryDirectory() as place:
        published = paper_of(frame, Path(place))
        model = Model("scripted", IndependentWriter.model, Records(Path(place) / "records"),
                      Parameters(temperature=1.0), IndependentWriter())  # fmt: skip
        real = Cohort.derive(published.schema, frame, label=None, name="patients")
        written = prompted(published, model, m=COHORTS, seed=seed)
        reconstructed = published.cohorts(COHORTS, seed)
        copied = hs.generators.create("heor").fit(real, seed=seed).sample(m=COHORTS, seed=seed)
        plan = plan_for_paper(published)
        found = [("paper", "prompted", judged(published, written)),
                 ("paper", "published.cohorts", evidence_of_paper(published, list(reconstructed), plan))]  # fmt: skip
        for name, cohorts in (("prompted", written), ("published.cohorts", reconstructed), ("heor", copied)):
            found.append(("patients", name, hs.validate(real, list(cohorts), purpose="model-development", seed=seed)))
    rows = []
    for against, name, evidence in found:
        table = evidence.to_frame().query("question == 'faithful' and basis == 'tested'")
        failed = sorted(set(table.loc[table["verdict"] == "fail", "estimand"]))
        rows.append(
            (against, name, {**evidence.answers, "verdict": evidence.verdict}, Counter(table["verdict"]), failed)
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--patients", type=int, default=200)
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    answers: dict[tuple[str, str], Counter[str]] = {}
    findings: dict[tuple[str, str], Counter[str]] = {}
    checks: dict[tuple[str, str], Counter[str]] = {}
    for seed in range(1, asked.trials + 1):
        for against, name, one, counts, failed in trial(asked.patients, seed):
            answers.setdefault((against, name), Counter())[f"{one['faithful']} ({one['verdict']})"] += 1
            findings.setdefault((against, name), Counter()).update(counts)
            checks.setdefault((against, name), Counter()).update(failed)
    for key, counted in answers.items():
        print(*key, dict(counted), dict(findings[key]), dict(checks[key].most_common(6)), sep=" | ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
