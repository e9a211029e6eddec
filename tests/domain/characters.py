"""Every character of Unicode; of the planes that have none, or only private ones, a sample."""

__all__ = ["EVERY"]

_CODES = (
    range(0x30000),
    range(0x30000, 0xE0000, 251),
    range(0xE0000, 0xF0000),
    range(0xF0000, 0x110000, 251),
)
EVERY = "".join(chr(code) for codes in _CODES for code in codes)
"""About a quarter of all code points."""
