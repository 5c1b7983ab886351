"""Baselines: the findings that were there before, which do not fail a run while they are being mended."""
