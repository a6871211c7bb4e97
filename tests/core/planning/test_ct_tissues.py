"""The ice in the tissues of the CT: what each voxel is taken for, both extremes, and what is stated of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cvt_planner.anatomy.bone_inside import bone_with_marrow
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.box import HeatBox
from cvt_planner.bioheat.ct_tissue import IMPLANT_HU, Extreme, tissue_of_ct
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE
from cvt_planner.bioheat.tissue_map import TissueMap
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan import edits
from cvt_planner.plan.model import FreezePhase, Plan
from cvt_planner.plan.results import CT_LEAST, CT_MOST, OF_CT, IceResult
from cvt_planner.planning.ct_tissues import ct_tissues
from cvt_planner.planning.ice import current_ice, figures, ice_inputs, predict_ice
from cvt_planner.planning.ice_scene import box_around
from cvt_planner.storage.plan_file import load_plan, save_plan

SHAPE = (1, 1, 6)
CANAL_MM, LESION_MM = (0.0, 26.0, 0.0), (8.0, 0.0, 0.0)  # of the made-up CT


def _map(hu: list[float], kind: str, extreme: Extreme) -> TissueMap:
    masks = {name: np.full(SHAPE, name == kind) for name in ("bone", "lesion", "canal")}
    return tissue_of_ct(np.array(hu, np.float32).reshape(SHAPE), extreme=extreme, **masks)


@pytest.fixture(scope="module")
def ice(trunk: Volume, plan: Plan) -> IceResult:
    short = edits.set_protocol((FreezePhase("freeze", 300.0),))(plan)
    inputs = ice_inputs(short, plan.lesions[0].id, "trunk-1", 2.0, of_ct=True)
    assert inputs is not None
    return predict_ice(inputs, ct=ct_tissues(short, trunk))


def test_numbers_of_known_tissues_are_met() -> None:
    for extreme, k_soft, k_marrow in ((Extreme.LEAST, 1.4, 0.63), (Extreme.MOST, 2.0, 1.25)):
        soft = _map([60.0, 40.0, 20.0, 150.0, np.nan, 30.0], "", extreme)
        assert np.allclose(soft.k_frozen, k_soft)
        assert np.allclose(soft.heat_unfrozen, SOFT_TISSUE.rho * SOFT_TISSUE.c_unfrozen)
        marrow = _map([-80.0, 0.0, 60.0, 120.0, 180.0, 200.0], "bone", extreme)
        assert np.allclose(marrow.k_frozen, k_marrow)
        assert np.allclose(marrow.latent_j_m3, MARROW_BONE.rho * MARROW_BONE.latent_j_kg)
        lytic = _map([20.0, 40.0, 60.0, 80.0, 100.0, 109.0], "lesion", extreme)
        assert np.allclose(lytic.k_frozen, k_soft)
        dense = (_map([600.0, 900.0, 1200.0, 1500.0, 1800.0, 2000.0], kind, extreme) for kind in ("lesion", "bone"))
        blastic, bone = dense
        assert np.allclose(blastic.k_frozen, bone.k_frozen)
        implant = _map([IMPLANT_HU, 2500.0, 3071.0, 4000.0, 2200.0, 3000.0], "bone", extreme)
        assert np.all(implant.latent_j_m3 == 0.0)


def test_more_bone_holds_less_water_and_air_conducts_least() -> None:
    for extreme in Extreme:
        bone = _map([200.0, 400.0, 700.0, 1000.0, 1400.0, 1800.0], "bone", extreme)
        assert np.all(np.diff(bone.latent_j_m3.ravel()) <= 0.0)
        outside = _map([-1000.0, -800.0, -500.0, -110.0, -40.0, 30.0], "", extreme)
        assert np.all(np.diff(outside.k_unfrozen.ravel()) > 0.0)
        assert np.all(np.diff(outside.k_frozen.ravel()) > 0.0)
    blood = [_map([40.0] * 6, "", extreme).perfusion_w_m3k.max() for extreme in Extreme]
    assert blood[0] > 0.0 == blood[1]
    canal = [_map([20.0] * 6, "canal", extreme).held_c for extreme in Extreme]
    assert np.all(canal[0] == 37.0)
    assert np.all(np.isnan(canal[1]))


def test_bone_holds_its_marrow() -> None:
    _, j, i = np.meshgrid(*(np.arange(40) - 19.5,) * 3, indexing="ij")
    radius = np.hypot(j, i)
    hu = np.full(radius.shape, 40.0, np.float32)
    hu[radius <= 14.0] = 60.0  # marrow of an old patient, within
    hu[(radius <= 15.0) & (radius > 13.0) & ~((np.abs(j) < 1.5) & (i > 0.0))] = 500.0  # a thin cortex with a gap
    hu[2:4, 2:4, 2:4] = 800.0  # a calcification
    found = bone_with_marrow(hu, np.ones(3))
    assert found[radius <= 14.0].mean() > 0.98
    assert not found[radius > 16.0].any()


def test_the_ct_is_laid_onto_the_box(trunk: Volume, plan: Plan) -> None:
    inputs = ice_inputs(plan, plan.lesions[0].id, "trunk-1", 1.0)
    assert inputs is not None
    grid = box_around(inputs, 1.0).grid
    hu, bone, lesion, canal = ct_tissues(plan, trunk).classes(grid)

    def at(mask: NDArray[Any], point: Vec3) -> Any:
        return mask[tuple(np.rint(grid.index_of(np.array(point))).astype(int))]

    assert at(lesion, LESION_MM)
    assert not at(canal, LESION_MM)
    assert at(canal, CANAL_MM)
    assert not at(bone, CANAL_MM)
    assert at(bone, (-12.0, 0.0, 0.0))
    assert not at(bone, (-30.0, 0.0, 0.0))
    assert at(hu, (-12.0, -4.0, 0.0)) == pytest.approx(250.0, abs=10.0)
    assert np.isfinite(hu).all()
    above = HeatBox((12.0, 12.0, 12.0), 1.0, (0.0, 0.0, 37.5)).grid  # half in the CT
    assert np.isnan(ct_tissues(plan, trunk).classes(above)[0]).mean() == pytest.approx(0.5, abs=0.1)


def test_both_extremes_are_stated(trunk: Volume, plan: Plan, ice: IceResult) -> None:
    least, most = (ice.field_of(tissue) for tissue in OF_CT)
    for (iso, less), (_, more) in zip(least.volumes_ml, most.volumes_ml, strict=True):
        assert less < more, iso
    assert max(field.energy_imbalance for field in ice.fields) < 1e-3
    found = figures(plan, ice.inputs.lesion_id, ice)
    row = found.isotherm(-20.0)
    assert row.covered_percent <= row.covered_high_percent
    assert row.volume_ct_least_ml == dict(least.volumes_ml)[-20.0]
    assert "this CT" in found.label
    # What is stated errs towards safety: no better than without the CT's tissues.
    alone = figures(plan, ice.inputs.lesion_id, IceResult(replace(ice.inputs, ct_marks=""), ice.fields[:2]))
    assert row.covered_percent <= alone.isotherm(-20.0).covered_percent
    assert found.canal_to_0c_mm is not None
    assert alone.canal_to_0c_mm is not None
    assert found.canal_to_0c_mm <= alone.canal_to_0c_mm
    # Blood's warmth and the canal's keep the wall of the canal warmer than still fluid does.
    canal = np.linalg.norm(
        least.grid.lps_of(np.argwhere(np.isfinite(least.temperature_c)).astype(float)) - CANAL_MM, axis=1
    )
    middle = int(canal.argmin())
    assert least.temperature_c.ravel()[middle] == pytest.approx(37.0, abs=0.1)
    assert most.temperature_c.ravel()[middle] < 37.0


def test_it_belongs_to_the_marks_and_to_the_ct(trunk: Volume, plan: Plan, ice: IceResult, tmp_path: Path) -> None:
    plan = edits.set_protocol(ice.inputs.protocol)(plan)
    lesion = plan.lesions[0].id
    assert current_ice(plan, lesion, "trunk-1", (ice,)) is ice
    shrunk = edits.set_lesion_shape(lesion, replace(plan.lesions[0].shape, semi_axes_mm=(7.0, 7.0, 7.0)))(plan)
    assert current_ice(shrunk, lesion, "trunk-1", (ice,)) is None
    for tissues in (None, ct_tissues(shrunk, trunk)):
        with pytest.raises(InputRefused, match="this CT's tissues"):
            predict_ice(ice.inputs, ct=tissues)
    save_plan(plan, (ice,), tmp_path / "a.cvtplan")
    (again,) = load_plan(tmp_path / "a.cvtplan").ice
    assert again.inputs == ice.inputs
    assert [f.tissue for f in again.fields] == [f.tissue for f in ice.fields]
    assert {CT_LEAST, CT_MOST} <= {f.tissue for f in again.fields}
