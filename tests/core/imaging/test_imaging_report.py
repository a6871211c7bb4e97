"""What `series` and `volume` of the command line answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.report import listing_report, write_volume

Writer = Callable[..., list[Path]]


def test_the_report_names_every_series_and_its_verdict(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a")
    write_series(
        tmp_path / "b", uid="1.2.3.5", places=[0, 1, 2, 5], edit=lambda ds, n: setattr(ds, "PatientPosition", "HFP")
    )
    (tmp_path / "readme.txt").write_text("hello")
    report = json.loads(json.dumps(listing_report(find_series(tmp_path))))
    assert report["path"] == str(tmp_path) and report["skipped_files"] == 1 and report["broken_files"] == []
    good, bad = report["series"]
    assert (good["uid"], good["verdict"], good["reasons"], good["slices"]) == ("1.2.3.4", "usable", [], 6)
    assert (good["rows"], good["columns"], good["pixel_spacing_mm"]) == (9, 11, [0.9, 0.7])
    assert (good["slice_distance_mm"], good["orientation"], good["patient"]) == (1.0, "axial", "Müller, Anna")
    assert bad["verdict"] == "warning" and "missing" in bad["reasons"][0] and bad["patient_position"] == "HFP"
    assert report["preferred"] == "1.2.3.4"


def test_the_volume_is_written_as_simpleitk_reads_it(tmp_path: Path, write_series: Writer, hu_of_place) -> None:  # type: ignore[no-untyped-def]
    write_series(tmp_path / "a", iop=(-1, 0, 0, 0, -1, 0))
    out = tmp_path / "v.nrrd"
    write_volume(tmp_path / "a", None, out)
    image = sitk.ReadImage(str(out))
    assert image.GetPixelID() == sitk.sitkInt16
    for index in ((0, 0, 0), (10, 8, 5), (3, 7, 2)):
        place = np.array(image.TransformIndexToPhysicalPoint(index))
        assert abs(int(image[index]) - int(hu_of_place(place))) <= 1


def test_bad_targets_are_refused_before_reading(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"v\.nii must end in \.nrrd"):
        write_volume(tmp_path, None, tmp_path / "v.nii")
    with pytest.raises(InputRefused, match="does not exist"):
        write_volume(tmp_path, None, tmp_path / "no" / "v.nrrd")
    with pytest.raises(InputRefused, match="is empty"):
        listing_report(find_series(tmp_path))
