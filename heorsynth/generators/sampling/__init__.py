"""What all generators share: drawing, calibration, the watermark, writing."""

__all__ = ("calibration", "cohorts", "formats", "pooled_analysis", "sampler", "source", "target_shares", "write_folder")
