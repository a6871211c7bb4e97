"""CVT Planner's headless core: everything the window can compute, without Qt and without VTK."""

__version__ = "0.1.0"
