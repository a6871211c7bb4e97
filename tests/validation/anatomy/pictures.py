"""Overlays to look at: along the canal from the side and from the front, and slices across. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.base.arrays import FloatArray
from tests.validation.anatomy.scoring import on_grid
from tests.validation.anatomy.truths import Case

_COLOURS = np.array([
    [255, 70, 70], [70, 220, 70], [90, 110, 255], [240, 220, 60], [240, 80, 240], [60, 220, 230], [255, 150, 60],
])  # fmt: skip


def _painted(hu: Any, labels: Any | None, canal: Any | None = None) -> Any:
    grey = np.clip((hu.astype(float) + 200.0) / 900.0, 0.0, 1.0) * 255.0
    rgb = np.repeat(grey[..., None], 3, axis=-1)
    if labels is not None:
        inside = labels > 0
        rgb[inside] = 0.6 * rgb[inside] + 0.4 * _COLOURS[(labels[inside].astype(int) - 1) % len(_COLOURS)]
    if canal is not None:
        rgb[canal] = 0.6 * rgb[canal] + 0.4 * np.array([255, 255, 255])
    return rgb.astype(np.uint8)


def montage(case: Case, spine: Spine, path: Path) -> None:
    """Write a PNG: CT, truth where there is one, and what was found, side and front, and four slices."""
    grid = case.volume.grid
    rows, columns = _middle(case, spine)
    dz, dy, dx = (float(v) for v in grid.spacing_kji_mm)
    box = (slice(None), _around(rows, 70.0 / dy, 65.0 / dy), _around(columns, 60.0 / dx, 60.0 / dx))
    rows, columns = rows - box[1].start, columns - box[2].start
    hu, truth = case.volume.hu[box], None if case.vertebrae is None else case.vertebrae[box]
    found = on_grid(spine.vertebrae, spine.grid, grid)[box]
    canal = on_grid((spine.parts == Part.CANAL).astype(np.uint8), spine.grid, grid)[box] > 0
    k = np.arange(hu.shape[0])
    before = np.clip(rows - round(13.0 / dy), 0, hu.shape[1] - 1)
    views: list[tuple[str, Any, float]] = []
    for words, labels, dark in (("CT", None, None), ("truth", truth, None), ("found", found, canal)):
        if words == "truth" and labels is None:
            continue
        for name, cut in (("side", (k, slice(None), columns)), ("bodies", (k, before)), ("arches", (k, rows))):
            if words == "CT" and name == "arches":
                continue
            part = None if labels is None else labels[cut]
            views.append((f"{words}, {name}", _painted(hu[cut], part, None if dark is None else dark[cut]),
                          dz / (dy if name == "side" else dx)))  # fmt: skip
    high = np.clip(2.2 * hu.shape[0] * dz / 125.0, 3.0, 9.0)
    figure, axes = plt.subplots(
        2, max(len(views), 4), figsize=(2.3 * len(views), high + 3.2), height_ratios=(high, 2.4)
    )
    for axis in axes.ravel():
        axis.axis("off")
    for axis, (words, picture, aspect) in zip(axes[0], views, strict=False):
        axis.imshow(picture, origin="lower", aspect=aspect)
        axis.set_title(words, fontsize=8)
    for axis, at in zip(axes[1], np.linspace(0.12, 0.88, 8), strict=False):
        place = int(at * (hu.shape[0] - 1))
        axis.imshow(_painted(hu[place], found[place], canal[place]), aspect=dy / dx)
        axis.set_title(f"slice {place}", fontsize=8)
    figure.suptitle(f"{case.name}: {case.words}; {len(spine.found)} found; {' '.join(spine.notices)}", fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70)
    plt.close(figure)


def _around(places: Any, before: float, behind: float) -> slice:
    return slice(max(int(places.min() - before), 0), int(places.max() + behind))


def _middle(case: Case, spine: Spine) -> tuple[Any, Any]:
    """Return row and column of the canal's middle in every slice."""
    line = spine.canal_lps_mm if len(spine.canal_lps_mm) > 1 else case.canal_line
    count = case.volume.hu.shape[0]
    if line is None or len(line) < 2:
        middle = np.array(case.volume.hu.shape) // 2
        return np.full(count, middle[1]), np.full(count, middle[2])
    index: FloatArray = case.volume.grid.index_of(line)
    index = index[np.argsort(index[:, 0])]
    k = np.arange(count)
    where = [np.rint(np.interp(k, index[:, 0], index[:, a])).astype(int) for a in (1, 2)]
    return tuple(np.clip(w, 0, n - 1) for w, n in zip(where, case.volume.hu.shape[1:], strict=True))  # type: ignore[return-value]
