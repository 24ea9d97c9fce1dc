"""What marks rows as synthetic: labels, ids and the watermark."""
