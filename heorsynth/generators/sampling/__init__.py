"""What all generators share: drawing, calibration, the watermark, writing."""

__all__ = ("calibration", "cohorts", "pooled_analysis", "sampler", "target_shares", "write_folder")
