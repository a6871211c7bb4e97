"""What every other part stands on: errors, progress, units, array aliases, field metadata, compiled kernels."""
