"""What marks rows as synthetic: labels, ids and the watermark."""

__all__ = ("claims", "label", "releases", "watermark", "watermark_detection")
