"""What all generators share: drawing, calibration, the watermark, writing."""
