"""What the command line says about series and volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.find import Place
from cvt_planner.imaging.isolation import read_volume
from cvt_planner.imaging.nrrd import write_nrrd
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.sources import shown
from cvt_planner.imaging.volume import Volume


def listing_report(listing: SeriesListing) -> dict[str, Any]:
    """Return a listing as plain values for JSON: one entry per series, with its verdict and why.

    Raises
    ------
    InputRefused
        If it holds no series at all, not even one that cannot be used.
    """
    if not listing.series:
        raise InputRefused(listing.hint or f"{listing.path} holds no DICOM images. Choose the folder of a CT series.")
    # Between patients or studies there is no best series: somebody has to choose.
    preferred = listing.preferred if len(listing.studies) == 1 else None
    return {
        "path": listing.path,
        "series": [_entry(info) for info in listing.series],
        "preferred": preferred.uid if preferred else None,
        "skipped_files": listing.skipped_files,
        "broken_files": [{"file": name, "reason": reason} for name, reason in listing.broken_files],
        "remarks": list(listing.remarks),
    }


def _entry(info: SeriesInfo) -> dict[str, Any]:
    return {
        "uid": info.uid,
        "study_uid": info.study_uid,
        "patient": info.patient.name,
        "patient_id": info.patient.patient_id,
        "study_description": info.identity.study_description,
        "description": info.description,
        "acquired_at": info.identity.acquired_at,
        "modality": info.modality,
        "kind": info.kind,
        "slices": info.slice_count,
        "rows": info.rows,
        "columns": info.columns,
        "pixel_spacing_mm": list(info.pixel_spacing_mm) if info.pixel_spacing_mm else None,
        "slice_distance_mm": info.slice_distance_mm,
        "orientation": info.orientation,
        "patient_position": info.identity.patient_position,
        "is_research": info.is_research,
        "verdict": info.verdict,
        "reasons": list(info.reasons),
    }


def write_volume(
    path: Place, series_uid: str | None, out: str | Path, progress: Progress | None = None, password: str = ""
) -> Volume:
    """Return the volume that was read and written to `out`, an int16 NRRD of HU with its geometry in LPS.

    Raises
    ------
    InputRefused
        If `out` does not end in .nrrd, its folder does not exist, or the series cannot be read.
    """
    target = Path(out)
    if target.suffix.lower() != ".nrrd":
        raise InputRefused(f"The volume is written as NRRD: {shown(target)} must end in .nrrd.")
    if not target.parent.is_dir():
        raise InputRefused(f"The folder {shown(target.parent)} does not exist. Make it first, or choose another.")
    volume = read_volume(path, series_uid, progress, password)
    write_nrrd(target, volume.hu, volume.grid)
    return volume
