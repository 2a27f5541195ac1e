"""eventmill: collect events, keep every one, count each exactly once."""

__version__ = "0.1.0"
