"""Generators by name: `create`, `names`, and what a recipe and a sampler are."""

from heorsynth.generators.registry import create, names

__all__ = ["create", "names"]
