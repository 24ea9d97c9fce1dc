"""What marks rows as synthetic: labels, ids and the watermark."""

__all__ = ("claims", "facts", "label", "ledger", "levels", "releases", "spending", "watermark", "watermark_detection")
