"""One file: read and written with its label."""
