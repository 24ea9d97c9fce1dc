"""`Model`: asks a language model on record. A recorded call is replayed; a live call is made only where allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from heorsynth.core.errors import CallRecordError, ModelCallError, Problem, PromptError, nearest, unknown_name
from heorsynth.language.models.answers import USUAL, processed
from heorsynth.language.models.calls import Call, Client, Parameters
from heorsynth.language.models.endpoints import Endpoint
from heorsynth.language.models.local import LocalModel
from heorsynth.language.models.prompts import Prompt
from heorsynth.language.models.records import Records

_PROVIDERS = ("openai", "anthropic", "gguf")

_IN_A_RUN = "run once with --live-model, which asks the model and records its answers; or restore the records"


@dataclass(frozen=True)
class Model:
    """A language model with the record of its calls.

    Attributes
    ----------
    provider, name : str
    records : Records
    parameters : Parameters
    client : Client or None     the live model; None to replay only
    """

    provider: str
    name: str
    records: Records
    parameters: Parameters = field(default_factory=Parameters)
    client: Client | None = field(default=None, repr=False)

    def ask(self, prompt: Prompt, *, seed: int | None = None, steps: tuple[str, ...] = USUAL) -> str:
        """Return the processed answer: of the record if there is one, else of the live model, which is then recorded.

        Parameters
        ----------
        prompt : Prompt       made by `Template.fill`
        seed : int            the seed of `parameters` if not given
        steps : tuple         post-processing, in order

        Raises
        ------
        PromptError           anything but a Prompt
        CallRecordError       no record and no live model; an altered record
        ModelCallError        the live model does not answer, or a step refuses the answer
        """
        call = self.call(prompt, seed=seed, steps=steps)
        if call in self.records:
            return processed(self.records.read(call), steps)
        if self.client is None:
            fix = "open the model with live=True to ask it; an unchanged prompt with its record needs no network"
            raise CallRecordError(
                f"model {self.name!r} ({self.provider})",
                Problem(f"call {call.key[:12]}", "there is no record of it, and no live model", fix, _IN_A_RUN),
            )
        answer = self.client.send(call)
        self.records.write(call, answer)
        return processed(self.records.read(call), steps)

    def call(self, prompt: Prompt, *, seed: int | None = None, steps: tuple[str, ...] = USUAL) -> Call:
        """Return the call of a prompt, without making it."""
        if not isinstance(prompt, Prompt):
            found = f"{type(prompt).__name__} is no prompt"
            raise PromptError("prompt", Problem("", found, "use Template(...).fill(source)"))
        settings = self.parameters
        if seed is not None:
            settings = Parameters(settings.temperature, settings.top_p, settings.max_tokens, seed)
        return Call(self.provider, self.name, prompt, settings, tuple(steps))

    @property
    def versions(self) -> Mapping[str, str]:
        """Key of each recorded call of this model to the version that answered."""
        keys = self.records.keys()
        held = {key: self.records.facts(key) for key in keys}
        return {key: str(one["answer"]["version"]) for key, one in held.items() if one["call"]["model"] == self.name}


def model_problem(name: str, url: str = "") -> Problem | None:
    """Return what is wrong with the name of a model and the address of its endpoint; None if nothing is.

    Examples
    --------
    >>> print(model_problem("opnai:gpt-4o-mini"))
    unknown provider
          fix: did you mean 'openai'?
    """
    provider, _, named = name.partition(":")
    if provider not in _PROVIDERS:
        return Problem("", "unknown provider", nearest(provider, _PROVIDERS))
    if not named:
        return Problem("", "no model is named", f"write {provider}:NAME")
    if provider != "gguf":
        try:
            Endpoint(provider, named, url)
        except ModelCallError as error:
            return error.problems[0]
    return None


def open_model(
    name: str,
    records: str | Path,
    *,
    live: bool = False,
    url: str = "",
    key_variable: str = "",
    parameters: Parameters | None = None,
    timeout: float = 60.0,
) -> Model:
    """Return a language model with the record of its calls.

    Parameters
    ----------
    name : str              "openai:NAME" (any OpenAI-compatible endpoint), "anthropic:NAME" or "gguf:FILE"
    records : path          folder of the recorded calls
    live : bool             whether calls without a record are made; if not, they are errors
    url : str               base address of the endpoint; the provider's own if not given
    key_variable : str      environment variable with the key; OPENAI_API_KEY or ANTHROPIC_API_KEY if not given
    parameters : Parameters
    timeout : float         seconds

    Raises
    ------
    UnknownNameError        another provider
    ModelCallError          no model is named, or the address or the file is none

    Examples
    --------
    >>> open_model("openai:gpt-4o-mini", "records").provider
    'openai'
    """
    provider, _, named = name.partition(":")
    if provider not in _PROVIDERS:
        raise unknown_name("provider", provider, _PROVIDERS)
    if wrong := model_problem(name):
        raise ModelCallError(f"model {name!r}", wrong)
    client: Client | None = None
    if live:
        client = (
            LocalModel(Path(named)) if provider == "gguf" else Endpoint(provider, named, url, key_variable, timeout)
        )
    held = Path(named).stem if provider == "gguf" else named
    return Model(provider, held, Records(records), parameters or Parameters(), client)
