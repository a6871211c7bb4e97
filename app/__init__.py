"""The window: Qt and VTK, standing on the core."""
