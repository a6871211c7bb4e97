"""The only door to VTK, and the slice views that need none."""
