"""Segmentations made elsewhere: label files, DICOM SEG and RTSTRUCT, as masks on the CT's own voxels."""

from cvt_planner.imaging.segmentation.model import Segment, Segmentation
from cvt_planner.imaging.segmentation.read import Target, read_segmentation

__all__ = ["Segment", "Segmentation", "Target", "read_segmentation"]
