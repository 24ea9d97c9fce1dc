"""Language models behind one protocol: every call is recorded, and a recorded call is replayed without network."""

__all__ = ("answers", "calls", "model", "prompts", "records")
