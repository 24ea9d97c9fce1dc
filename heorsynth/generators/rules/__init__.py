"""How a law keeps rules: what it leaves out, what it draws given what decides it; knows no law."""

__all__ = ("drawn", "plan")
