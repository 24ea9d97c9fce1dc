"""What a paper file may say: its sections, printed numbers, sources and facts."""

__all__ = ("document", "endpoint_data", "facts", "fields", "printed")
