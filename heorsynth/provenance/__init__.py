"""Records, signatures, crates and governance of a run."""
