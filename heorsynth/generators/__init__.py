"""Generators by name: `create`, `load`, `names`, `describe`."""

from heorsynth.generators.registry import create, describe, load, names

__all__ = ["create", "describe", "load", "names"]
