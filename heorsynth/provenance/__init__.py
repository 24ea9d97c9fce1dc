"""Records, signatures, crates and governance of a run."""

__all__ = ("croissant", "fingerprint", "governance", "in_toto", "record", "ro_crate", "signature", "texts")
