"""Synthetic spine CTs with ground truth: `make_phantom` makes one, `write_phantom` writes it; for cli and tests."""

from cvt_planner.phantom.cases import CASES
from cvt_planner.phantom.dicom import write_phantom, write_truth
from cvt_planner.phantom.make import LABELS, POSITIONS, Phantom, make_phantom

__all__ = ["CASES", "LABELS", "POSITIONS", "Phantom", "make_phantom", "write_phantom", "write_truth"]
