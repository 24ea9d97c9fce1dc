"""What every generator shares: drawing, calibration, the watermark, writing."""
