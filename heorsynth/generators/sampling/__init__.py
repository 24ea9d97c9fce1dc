"""What all generators share: drawing, calibration, the watermark, writing."""

__all__ = (
    "calibration",
    "cohorts",
    "formats",
    "pooled_analysis",
    "request",
    "sampler",
    "source",
    "subsample",
    "target_shares",
    "write_folder",
)
