"""The named cases: which levels, which lesions, how the scan was made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.base.errors import InputRefused
from cvt_planner.phantom.person import MEAN, Person
from cvt_planner.phantom.proportions import nominal
from cvt_planner.phantom.spine import Spine

KINDS = ("lytic", "mixed", "blastic")
_LYTIC_HU, _ISLAND_HU, _BLASTIC_HU = 42.0, 520.0, 650.0  # usual values, assumed


@dataclass(frozen=True)
class LesionSpec:
    """One metastasis; place as a share of the body's half width, half depth and half height; half axes in mm."""

    name: str
    level: str
    kind: str
    vas: int
    place: tuple[float, float, float]
    half_axes_mm: tuple[float, float, float]
    breach: bool = False


@dataclass(frozen=True)
class Case:
    """One named case and its scan; the scan reaches `margin_mm` beyond the outermost bodies."""

    name: str
    levels: tuple[str, ...]
    lesions: tuple[LesionSpec, ...]
    seed: int = 0
    rows: int = 292
    columns: int = 360
    pixel_mm: float = 0.86
    slice_mm: float = 1.0
    margin_mm: float = 13.0
    targeted: bool = False  # reconstructed around the spine only, the back's skin included
    person: Person = MEAN
    noise: float = 1.0  # against a usual dose
    fitted: bool = False  # rows and columns follow from the spine
    piece_mm: float = 0.25  # no piece of a voxel is larger where anything changes


_T12 = LesionSpec("A", "T12", "lytic", 8, (0.22, -0.12, 0.05), (9.2, 7.8, 6.4))
_L2 = LesionSpec("B", "L2", "lytic", 9, (-0.28, 0.0, -0.05), (9.8, 9.4, 7.2))
_L3 = LesionSpec("C", "L3", "mixed", 7, (0.32, 0.10, 0.0), (9.5, 9.8, 7.6))
_STANDARD = (_T12, _L2, _L3)

_ALL = (
    Case("standard", ("T12", "L1", "L2", "L3"), _STANDARD),
    Case(
        "thoracic",
        ("T9", "T10", "T11", "T12"),
        (
            LesionSpec("A", "T9", "lytic", 7, (0.15, 0.05, 0.0), (7.2, 7.0, 5.0)),
            LesionSpec("B", "T10", "blastic", 4, (-0.2, -0.1, 0.0), (7.5, 8.0, 6.0)),
            LesionSpec("C", "T11", "lytic", 8, (-0.25, 0.0, 0.0), (8.0, 7.5, 6.0)),
        ),
    ),
    Case(
        "lumbar",
        ("L1", "L2", "L3", "L4", "L5"),
        (
            LesionSpec("A", "L2", "lytic", 8, (0.25, 0.0, 0.05), (10.0, 9.0, 7.0)),
            LesionSpec("B", "L4", "lytic", 9, (-0.3, 0.05, 0.0), (11.0, 9.5, 7.5)),
            LesionSpec("C", "L5", "mixed", 6, (0.0, -0.15, 0.0), (12.0, 8.5, 7.0)),
        ),
    ),
    Case(
        "breach",
        ("L1", "L2", "L3"),
        (
            LesionSpec("A", "L2", "lytic", 9, (0.12, 0.62, 0.0), (10.5, 12.5, 8.0), True),
            LesionSpec("B", "L1", "lytic", 7, (-0.2, -0.1, 0.0), (8.5, 8.0, 6.5)),
        ),
    ),
    Case(
        "blastic",
        ("T12", "L1", "L2"),
        (
            LesionSpec("A", "T12", "blastic", 6, (-0.15, 0.0, 0.0), (10.0, 9.0, 7.0)),
            LesionSpec("B", "L1", "blastic", 7, (0.25, 0.1, -0.1), (9.0, 10.0, 7.0)),
            LesionSpec("C", "L2", "mixed", 5, (-0.3, 0.0, 0.0), (9.0, 9.0, 7.0)),
        ),
    ),
    Case(
        "small",
        ("L1", "L2"),
        (LesionSpec("A", "L2", "lytic", 8, (0.3, 0.0, 0.0), (9.5, 9.0, 7.0)),),
        rows=160,
        columns=160,
        pixel_mm=1.0,
        slice_mm=2.0,
        margin_mm=6.0,
        targeted=True,
    ),
    Case("thick", ("T12", "L1", "L2", "L3"), _STANDARD, slice_mm=5.0),
)
SPINE = "spine"  # a family: the seed chooses everything, see `family.spine_case`
CASES: tuple[str, ...] = (*(case.name for case in _ALL), SPINE)


def case_named(name: str) -> Case:
    """Return a case, or raise `InputRefused` naming those there are."""
    for case in _ALL:
        if case.name == name:
            return case
    raise InputRefused(f"There is no phantom case {name!r}; choose one of {', '.join(CASES)}.")


def lesion_table(case: Case, spine: Spine, seed: int) -> FloatArray:
    """Return (m, 15), one row per lesion, for the kernels.

    Columns: vertebra, centre (3) and half axes (3) in its axes, dent, phases (3), kind (0 lytic, 1 mixed, 2 blastic),
    HU, HU of islands, the bone kept between lesion and surface in mm (-1: the lesion breaks the posterior wall).
    """
    rng = np.random.default_rng([seed, 74])
    rows = []
    for spec in case.lesions:
        n = spine.index(spec.level)
        part = spine.parts[n]
        half = np.array([part.width_mm, part.depth_mm, part.posterior_height_mm]) / 2
        scale = part.width_mm / nominal(spec.level).width_mm
        hu = _BLASTIC_HU if spec.kind == "blastic" else _LYTIC_HU
        rows.append(
            [
                n,
                *(half * spec.place),
                *(np.array(spec.half_axes_mm) * scale),
                0.07,
                *rng.uniform(0, 2 * np.pi, 3),
                KINDS.index(spec.kind),
                hu,
                _ISLAND_HU,
                -1.0 if spec.breach else 1.4,
            ]
        )
    return np.array(rows, dtype=np.float64).reshape(-1, 15)
