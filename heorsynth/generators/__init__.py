"""Generators by name: `create`, `load`, `names`, `describe`."""

from heorsynth.generators.registry import create, describe, load, names

__all__ = ("augmentation", "create", "describe", "formats", "load", "names", "recipe", "registry", "source")
