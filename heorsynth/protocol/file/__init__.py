"""The protocol file: its keys, its source, and the line of each error."""
