"""Points and targets on the command line: what argparse would take for an option, and what is no number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cvt_planner import cli
from cvt_planner.base.errors import InputRefused
from cvt_planner.cli.arguments import must_lie_inside, nrrd_target, point_lps_mm, points_joined
from cvt_planner.geometry.frames import Grid


def test_a_point_on_the_patients_right_is_no_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert points_joined(["lesion", "CT", "--at", "-12.5,30,-410"]) == ["lesion", "CT", "--at=-12.5,30,-410"]
    assert points_joined(["lesion", "--at=1,2,3", "CT", "--json"]) == ["lesion", "--at=1,2,3", "CT", "--json"]
    assert points_joined(["lesion", "--at"]) == ["lesion", "--at"]
    assert cli.main(["lesion", "CT", "--at", "-12.5,30,-410", "--out", str(tmp_path / "m.txt")]) == 3
    assert "The mask is written as NRRD" in capsys.readouterr().err  # the point was taken


@pytest.mark.parametrize("text", ["1,2", "1,2,3,4", "a,b,c", "nan,0,0", "0,inf,0", "--json"])
def test_what_is_no_point_is_refused(text: str) -> None:
    assert point_lps_mm("-1,2.5,3e1") == (-1.0, 2.5, 30.0)
    with pytest.raises(InputRefused, match="--at takes three numbers"):
        point_lps_mm(text)


def test_a_point_outside_the_ct_is_told_what_the_ct_reaches_over() -> None:
    grid = Grid((10, 20, 30), np.eye(4)[[2, 1, 0, 3]])
    must_lie_inside((29.0, 0.0, 9.0), grid, "one.nrrd")
    words = r"--at -1,0,5 lies outside the CT one\.nrrd, which reaches over x 0 to 29, y 0 to 19, z 0 to 9 mm"
    with pytest.raises(InputRefused, match=words):
        must_lie_inside((-1.0, 0.0, 5.0), grid, "one.nrrd")


def test_a_target_is_looked_at_before_the_work(tmp_path: Path) -> None:
    assert nrrd_target(str(tmp_path / "m.NRRD"), "The mask is") == tmp_path / "m.NRRD"
    for bad in (tmp_path / "m.txt", tmp_path / "none" / "m.nrrd"):
        with pytest.raises(InputRefused, match=r"The mask is written as NRRD: .* must end in \.nrrd"):
            nrrd_target(str(bad), "The mask is")
