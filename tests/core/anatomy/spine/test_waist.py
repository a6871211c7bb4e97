"""The axis of tubes that flare, and of a tube against which a rib lies, on shapes whose truth is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.anatomy.spine.sections import cuts
from cvt_planner.anatomy.spine.waist import waist_of
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume


def _edges(lean: np.ndarray, noise_mm: float) -> np.ndarray:
    """Return the edges of a short waist, 6 by 11 mm, whose axis leans by (2,) mm to the side and up per mm along."""
    rng = np.random.default_rng(5)
    ahead = np.append(lean, 1.0) / np.linalg.norm(np.append(lean, 1.0))
    side = np.cross([0.0, 1.0, 0.0], ahead)
    side /= np.linalg.norm(side)
    over = np.cross(ahead, side)
    turn, along = np.meshgrid(np.radians(np.arange(0, 360, 2)), np.arange(-6.0, 6.01, 0.1))
    wide, high = 3.0 * np.sqrt(1 + (along / 4.0) ** 2), 5.5 * np.sqrt(1 + (along / 5.0) ** 2)
    points = (
        along[..., None] * ahead + (wide * np.cos(turn))[..., None] * side + (high * np.sin(turn))[..., None] * over
    ).reshape(-1, 3)
    points = points[np.abs(points[:, 2]) < 2.0]
    return np.asarray(points + rng.normal(0.0, noise_mm, points.shape))


@pytest.mark.parametrize("lean", [(0.0, 0.0), (0.2, -0.15), (-0.1, 0.3)])
def test_a_short_waist_s_own_axis_is_found_also_from_sections_askew(lean: tuple[float, float]) -> None:
    points = _edges(np.array(lean), 0.1)
    found = waist_of(points, np.ones(len(points)), 0.0)
    assert found is not None
    assert np.degrees(np.abs(found.slope - lean)).max() < 1.5
    assert np.abs(found.middle_mm).max() < 0.2
    assert found.error_deg < 3.0


def test_edges_that_lie_on_no_tube_give_no_axis() -> None:
    lens = _edges(np.zeros(2), 0.0)
    lens *= [4.0, 6.0, 2.0] / np.linalg.norm(lens, axis=1, keepdims=True)
    assert waist_of(lens, np.ones(len(lens)), 0.0) is None
    assert waist_of(lens[:20], np.ones(20), 0.0) is None


def test_a_rib_in_the_label_does_not_widen_the_pedicle_it_lies_against() -> None:
    spacing = np.array([0.5, 0.5, 0.5])
    grid = Grid((60, 20, 90), np.diag([*spacing[::-1], 1.0])[:, [2, 1, 0, 3]])
    x, _, z = np.moveaxis(grid.lps_of(np.moveaxis(np.indices(grid.shape_kji), 0, -1).astype(np.float64)), -1, 0)

    def tube(at: float, width: float, height: float) -> np.ndarray:
        return np.asarray(np.hypot((x - at) / (0.5 * width), (z - 15.0) / (0.5 * height)))

    pedicle, rib = tube(15.0, 6.0, 12.0), tube(23.0, 7.0, 9.0)
    hu = np.full(grid.shape_kji, 40, dtype=np.int16)
    for one, inner in ((pedicle, tube(15.0, 3.4, 9.4)), (rib, tube(23.0, 4.4, 6.4))):
        hu[one < 1.0] = 700
        hu[inner < 1.0] = 150
    label = ((pedicle < 1.0) | (rib < 1.0) | ((np.abs(x - 19.0) < 2.0) & (np.abs(z - 15.0) < 3.0))).view(np.uint8)
    volume = Volume(hu, grid, Patient(), SeriesIdentity(), "rib", "rib")
    ahead, up = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    found, _, _ = cuts(volume, grid, label, np.array([15.0, 5.0, 15.0]), ahead, up, np.zeros(1))
    assert found.width_mm[0] == pytest.approx(6.0, abs=0.5)
    assert found.height_mm[0] == pytest.approx(12.0, abs=0.7)
    assert np.abs(found.middle_mm).max() < 0.25
