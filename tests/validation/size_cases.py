"""Chapter: sizes of the ice of one, two and six probes, against tables of other codes, a second code, a finer grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.bioheat.isotherms import distances_to_isotherm_mm, isotherm_points
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import SOFT_TISSUE, Material
from tests.validation import rulers, scenes
from tests.validation.axisymmetric import Laws, RingProbe, freeze
from tests.validation.checks import Check
from tests.validation.size_tables import CONSTANT_K, ISOTHERMS_C, MEDIA, PAIRS, RISING_K, Medium, OneProbe, Pair, Sizes

SIZE_LIMIT_MM = 0.6
VOLUME_LIMIT = 0.05
SPREAD_LIMIT_MM = 0.2
FINE_LIMIT_MM = 0.5
UNSTABLE_C = 4.0  # the mid-point's thickness is not compared where it lies nearer than this to the isotherm
DRAWN = ", as drawn"  # read trilinearly between the voxels' middles, as the product draws its lines
ORIGIN = (0.0, 0.0, 0.0)
LEVEL_MM = 22.0
BLASTIC_NOTE = (
    "The table gives 0.85 W/mK frozen and 95 MJ/m³ for osteoblastic bone and no more. Taken for the rest: 0.38 "
    "W/mK, 1400 kg/m³ (middle of the data sheet's section 2.4), 1300/2000 J/kgK (assumed); of three sets tried "
    "with the second code this one reproduces the table to 0.1 mm, so it is likely the one used."
)
# (tilt, turn about z, shift in voxels): the pair and its probes turned together, off the voxels.
TURNS = (
    (0.0, 0.0, ORIGIN),
    (17.0, 25.0, (0.31, -0.19, 0.12)),
    (30.0, 0.0, (0.5, 0.5, 0.5)),
    (45.0, 45.0, (0.13, -0.4, 0.27)),
)


def one_probe(material: Material, row: OneProbe, seconds: float = 600.0, perfusion: float = 0.0) -> HeatResult:
    """Return one probe along z at 1 mm; the box ends well beyond what has changed."""
    probes = scenes.parallel_probes([(0.0, 0.0)], row.active_mm, row.probe_c, 1.47)
    box = HeatBox((90.0, 90.0, 80.0 + row.active_mm), 1.0)
    return simulate(Scene(box, material, probes, (Phase("freeze", seconds),), row.start_c, perfusion))


def size_checks(point: str, setting: str, result: HeatResult, expected: Sizes, limit: float | None) -> Iterator[Check]:
    """Yield width and length of each isotherm."""
    for iso_c, (width, length) in zip(ISOTHERMS_C, expected, strict=True):
        x, y, z = rulers.ice_size(result, iso_c, np.eye(3), ORIGIN).extent_mm
        yield Check(point, setting, f"{iso_c:g} °C width", "mm", width, 0.5 * float(x + y), limit, 1.0)
        yield Check(point, setting, f"{iso_c:g} °C length", "mm", length, float(z), limit, 1.0)


def constant_rows(quick: bool) -> list[Check]:
    """Return the single-probe table with constant conductivity."""
    rows = CONSTANT_K[3:6] if quick else CONSTANT_K
    return [
        c for r in rows for c in size_checks("one probe", r.setting, one_probe(SOFT_TISSUE, r), r.sizes, SIZE_LIMIT_MM)
    ]


def media_rows(quick: bool) -> list[Check]:
    """Return the table of media."""
    found: list[Check] = []
    for m in MEDIA[:4] if quick else MEDIA:
        row = OneProbe(37.0, -140.0, 15.0, m.sizes, m.power_w)
        result = one_probe(m.material, row, m.seconds, m.perfusion_w_m3k)
        found += size_checks("media", m.setting, result, m.sizes, SIZE_LIMIT_MM)
        found.append(_power(m, result))
    return found


def _power(m: Medium, result: HeatResult) -> Check:
    return Check("media", m.setting, "heat drawn", "W", m.power_w, float(result.probe_power_w[-1, 0]), None, 1.0)


def ice_law(kind: str) -> Laws:
    """Return soft tissue for the second code with one of the laws that may stand behind the table's k(T) rows."""
    k_words, c_words = kind.split(", ")

    def ice_k(t: FloatArray) -> FloatArray:
        return np.asarray(2135.0 * (t + 273.15) ** -1.235)

    def rising(t: FloatArray) -> FloatArray:
        return np.asarray(2.0 + 1.5 * np.clip((-8.0 - t) / 132.0, 0.0, 1.0))

    conductivities = {
        "k 2.0": lambda t: np.full(t.shape, 2.0),
        "k of ice": ice_k,
        "k of ice up to 3.5": lambda t: np.minimum(ice_k(t), 3.5),
        "k rising linearly from 2.0 at -8 °C to 3.5 at -140 °C": rising,
    }
    capacities = {
        "c 1800": lambda t: np.full(t.shape, 1.8e6),
        "c of ice": lambda t: 1e3 * (7.16 * (t + 273.15) + 138.0),
    }
    return Laws(conductivities[k_words], capacities[c_words], 0.5, 3.6e6, 250e6, 1.25, 2.7e6)


RISING = "k rising linearly from 2.0 at -8 °C to 3.5 at -140 °C, c of ice"
CANDIDATES = (
    "k 2.0, c 1800",
    "k of ice, c of ice",
    "k of ice up to 3.5, c of ice",
    RISING,
    "k rising linearly from 2.0 at -8 °C to 3.5 at -140 °C, c 1800",
)


@dataclass(frozen=True)
class Candidate:
    """What the second code finds with one law: sizes and beyond the tip, mm, and heat, W."""

    kind: str
    row: OneProbe
    sizes: Sizes
    beyond_mm: tuple[float, float, float]
    power_w: float

    @property
    def worst_mm(self) -> float:
        """Return the largest difference from the table."""
        pairs = zip(np.ravel(self.sizes), np.ravel(self.row.sizes), strict=True)
        return max(abs(float(a - b)) for a, b in pairs)


def second_code(kind: str, row: OneProbe, cells_in_radius: int = 2) -> Candidate:
    """Return one probe by the second code."""
    probe = RingProbe(row.active_mm / 1e3, row.probe_c)
    rings = freeze(ice_law(kind), probe, 600.0, row.start_c, cells_in_radius=cells_in_radius, reach_m=0.032)
    a, b, c = (rings.size_mm(iso_c) for iso_c in ISOTHERMS_C)
    return Candidate(kind, row, (a[:2], b[:2], c[:2]), (a[2], b[2], c[2]), rings.power_w)


def law_search() -> list[Candidate]:
    """Return every candidate law on the row of 15 mm, -140 °C, 37 °C."""
    return [second_code(kind, CONSTANT_K[4] if kind == CANDIDATES[0] else RISING_K[4]) for kind in CANDIDATES]


def law_rows(quick: bool) -> list[Candidate]:
    """Return the law that fits on the other k(T) rows of the table."""
    rows = [RISING_K[1], RISING_K[3], RISING_K[5], RISING_K[7]]
    return [second_code(RISING, r) for r in ([] if quick else rows)]


def rabin_rows(of_ice: Candidate) -> list[Check]:
    """Return the product's k(T), c(T) against the second code with the very same law."""
    material = replace(SOFT_TISSUE, frozen_law="rabin")
    result = one_probe(material, of_ice.row)
    found = list(size_checks("k(T)", of_ice.row.setting, result, of_ice.sizes, SIZE_LIMIT_MM))
    power = float(result.probe_power_w[-1, 0])
    found.append(Check("k(T)", of_ice.row.setting, "heat drawn", "W", of_ice.power_w, power, None, 1.0))
    return found


def pair_result(spacing_mm: float, turn: tuple[float, float, Sequence[float]], grid_mm: float = 1.0) -> HeatResult:
    """Return two probes turned and shifted, after 300 and 600 s."""
    axes = scenes.turned(turn[0], turn[1])
    probes = scenes.parallel_probes(scenes.two(spacing_mm), 15.0, -140.0, 1.476, axes, np.asarray(turn[2]) * grid_mm)
    box = HeatBox((96.0, 96.0, 96.0), grid_mm)
    return simulate(Scene(box, SOFT_TISSUE, probes, (Phase("freeze", 600.0),), report_at_s=(300.0, 600.0)))


def pair_checks(row: Pair, turn: tuple[float, float, Sequence[float]], result: HeatResult) -> Iterator[Check]:
    """Yield one row of the two-probe table."""
    size = rulers.ice_size(
        result, row.iso_c, scenes.turned(turn[0], turn[1]), turn[2], 0 if row.seconds == 300.0 else 1
    )
    setting = f"{row.spacing_mm:g} mm apart, {row.seconds:g} s, {row.iso_c:g} °C"
    point = "two probes" if turn[0] == 0.0 else f"two probes turned {turn[0]:g}°"
    along, thick, length = (float(v) for v in size.extent_mm)
    for name, expected, found in (
        ("along the pair", row.along_mm, along),
        ("largest thickness", row.thick_mm, thick),
        ("length", row.length_mm, length),
    ):
        yield Check(point, setting, name, "mm", expected, found, SIZE_LIMIT_MM, 1.0)
    if abs(row.mid_c - row.iso_c) > UNSTABLE_C:
        for name, found, limit in (("", size.thickness_mm, SIZE_LIMIT_MM), (DRAWN, size.drawn_thickness_mm, None)):
            yield Check(point, setting, f"thickness at the mid-point{name}", "mm", row.mid_mm, found, limit, 1.0)
    yield Check(point, setting, "volume", "mL", row.volume_ml, size.volume_ml, VOLUME_LIMIT, 1.0, relative=True)


def pair_rows(quick: bool) -> tuple[dict[float, list[Check]], list[Check]]:
    """Return the table along the axes and turned, by tilt; and how far the turned figures spread."""
    turns = (TURNS[0], TURNS[3]) if quick else TURNS
    by_turn: dict[float, list[Check]] = {}
    for spacing in (10.3125, 20.625):
        for turn in turns:
            result = pair_result(spacing, turn)
            rows = [r for r in PAIRS if r.spacing_mm == spacing]
            by_turn.setdefault(turn[0], []).extend(c for r in rows for c in pair_checks(r, turn, result))
    return by_turn, spread(by_turn)


def spread(by_turn: dict[float, list[Check]]) -> list[Check]:
    """Return the largest minus the smallest of each figure in mm over all turns."""
    grouped: dict[tuple[str, str, bool], list[float]] = {}
    for checks in by_turn.values():
        for c in checks:
            if c.unit == "mm":
                grouped.setdefault((c.setting, c.quantity, c.limit is not None), []).append(c.found)
    return [
        Check("spread", setting, name, "mm", 0.0, max(values) - min(values), SPREAD_LIMIT_MM if judged else None, 1.0)
        for (setting, name, judged), values in grouped.items()
    ]


def six_probes() -> tuple[ProbeBody, ...]:
    """Return three pairs 22 mm apart along z, each converging from behind as through two pedicles."""
    found = []
    for level in (-1, 0, 1):
        for side in (-1.0, 1.0):
            direction = np.array([0.35 * side, 0.93, 0.08 * level + 0.05 * side])
            tip = np.array([5.0 * side, -8.0, LEVEL_MM * level + 0.4 * side])
            found.append(ProbeBody((tip[0], tip[1], tip[2]), tuple(direction), 15.0, 1.47, -140.0, 30.0))
    return tuple(found)


def six_result(grid_mm: float, protocol: Sequence[Phase]) -> HeatResult:
    """Return the ice of six probes on three levels, after the first freeze and at the end."""
    box = HeatBox((72.0, 66.0, 108.0), grid_mm)
    return simulate(
        Scene(box, SOFT_TISSUE, six_probes(), tuple(protocol), report_at_s=(600.0, sum(p.seconds for p in protocol)))
    )


def six_rows(quick: bool) -> list[Check]:
    """Return extents at 1 mm against 0.5 mm, and the largest distance between the two surfaces."""
    protocol = scenes.TEN_FIVE_TEN[:1] if quick else scenes.TEN_FIVE_TEN
    coarse, fine = six_result(2.0 if quick else 1.0, protocol), six_result(1.0 if quick else 0.5, protocol)
    limit, spacing = (None, 2.0) if quick else (FINE_LIMIT_MM, 1.0)
    found = []
    for shot, snapshot in enumerate(fine.snapshots):
        for iso_c in ISOTHERMS_C:
            sizes = [rulers.ice_size(r, iso_c, np.eye(3), ORIGIN, shot) for r in (fine, coarse)]
            setting = f"{snapshot.time_s:g} s, {iso_c:g} °C"
            for name, a, b in zip("xyz", sizes[0].extent_mm, sizes[1].extent_mm, strict=True):
                found.append(Check("six probes", setting, f"extent {name}", "mm", float(a), float(b), limit, spacing))
            gap = surface_gap_mm(fine, coarse, iso_c, shot)
            found.append(
                Check("six probes", setting, "largest distance of the surfaces", "mm", 0.0, gap, limit, spacing)
            )
    return found


def surface_gap_mm(fine: HeatResult, coarse: HeatResult, iso_c: float, shot: int) -> float:
    """Return how far the finer isotherm comes from the coarser one anywhere, mm."""
    points = rulers.isotherm(fine, iso_c, shot)
    field, level = coarse.smooth(coarse.snapshots[shot].temperature_c, iso_c)
    assert len(isotherm_points(field, coarse.grid, level)) and len(points)
    return float(np.abs(distances_to_isotherm_mm(field, coarse.grid, points, level)).max())
