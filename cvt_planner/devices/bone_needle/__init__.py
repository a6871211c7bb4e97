"""Bone access needles, through which the probe and later the cement pass."""

from cvt_planner.devices.bone_needle.catalogue import BONE_NEEDLES, DEFAULT_BONE_NEEDLE, bone_needle
from cvt_planner.devices.bone_needle.model import BoneNeedleModel

__all__ = ["BONE_NEEDLES", "DEFAULT_BONE_NEEDLE", "BoneNeedleModel", "bone_needle"]
