"""Paper files proposed by a language model: every number quoted, checked, and accepted by a person."""

__all__ = ("proposal", "propose")
