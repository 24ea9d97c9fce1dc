"""What marks rows as synthetic: labels, ids and the watermark."""

__all__ = ("claims", "facts", "label", "levels", "releases", "watermark", "watermark_detection")
