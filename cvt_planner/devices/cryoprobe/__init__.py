"""Cryoprobes: the record of a probe and the probes that are known."""

from cvt_planner.devices.cryoprobe.catalogue import CRYOPROBES, DEFAULT_CRYOPROBE, cryoprobe
from cvt_planner.devices.cryoprobe.model import CryoprobeModel, ProbeOrigin

__all__ = ["CRYOPROBES", "DEFAULT_CRYOPROBE", "CryoprobeModel", "ProbeOrigin", "cryoprobe"]
