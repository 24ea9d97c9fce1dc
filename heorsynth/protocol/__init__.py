"""The protocol and its run: the main path is `run`."""
