"""Generators by name: `create`, `names`, `describe`."""

from heorsynth.generators.registry import create, describe, names

__all__ = ["create", "describe", "names"]
