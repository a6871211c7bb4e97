"""The pictures of docs/validation.md. Needs matplotlib (the extra `dev`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import SOFT_TISSUE
from tests.validation import scenes
from tests.validation.energy import Ledger
from tests.validation.exact_cases import Convergence, Drive, exact_profile, law_drives, mushy_drives, profile
from tests.validation.perfused import Perfused
from tests.validation.size_tables import ISOTHERMS_C, PAIRS

INK = {-1.0: "#1f6fb2", -20.0: "#7b3fa0", -40.0: "#b3243b"}
# Text stays text, and the same run gives the same file.
matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "cvt-planner", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
})  # fmt: skip


def _save(figure: Any, folder: Path, name: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / name, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    return name


def profiles(folder: Path) -> str:
    """Draw computed temperatures on exact ones: a wall and a line with freezing, other laws, and blood."""
    drives: list[tuple[str, Drive]] = [
        ("B: plane, freezing range", mushy_drives()["B"][0]),
        ("D: line sink, freezing range", mushy_drives()["D"][0]),
        ("G: line sink, ice laws, colligative", law_drives()[2]),
    ]
    figure, axes = plt.subplots(2, 2, figsize=(8.4, 6.0))
    for axis, (title, drive) in zip(axes.flat, drives, strict=False):
        result = simulate(drive.scene(1.0, (150.0, 600.0)))
        exact = exact_profile(drive)
        x = np.linspace(1.0, 40.0, 800)
        for shot, (time_s, ink) in enumerate(((150.0, "#1f6fb2"), (600.0, "#b3243b"))):
            at, found = profile(drive, result, shot)
            order = np.argsort(at)
            at, found = at[order], found[order]
            shown = np.unique(np.searchsorted(at, np.arange(1.0, 40.0, 0.5)))
            axis.plot(x, exact(x / math.sqrt(time_s)), color=ink, lw=1.2, label=f"exact, {time_s:g} s")
            axis.plot(at[shown], found[shown], ".", ms=4, color=ink, label="1 mm grid")
        axis.set(title=title, xlabel="mm from the wall or line", ylabel="°C")
        axis.legend()
    _blood(axes.flat[3])
    figure.tight_layout()
    return _save(figure, folder, "validation-profiles.svg")


def _blood(axis: Any) -> None:
    times = (60.0, 600.0)
    result = simulate(scenes.plane(SOFT_TISSUE, 0.0, 1.0, times, perfusion_w_m3k=2000.0))
    tissue = Perfused(SOFT_TISSUE.k_unfrozen, SOFT_TISSUE.rho * SOFT_TISSUE.c_unfrozen, 2000.0)
    x = np.linspace(0.0, 40.0, 400)
    cells = np.arange(40) + 0.5
    for shot, (time_s, ink) in enumerate(zip(times, ("#1f6fb2", "#b3243b"), strict=True)):
        axis.plot(x, tissue.plane_c(x / 1e3, time_s, 0.0), color=ink, lw=1.2, label=f"exact, {time_s:g} s")
        axis.plot(cells, result.snapshots[shot].temperature_c[1, 1, :40], ".", ms=4, color=ink, label="1 mm grid")
    axis.set(title="H: plane with blood, no freezing", xlabel="mm from the wall", ylabel="°C")
    axis.legend()


def convergence(folder: Path, found: Sequence[Convergence]) -> str:
    """Draw errors over the grid spacing, both logarithmic, with lines of first and second order."""
    figure, axis = plt.subplots(figsize=(5.6, 4.2))
    inks = ("#1f6fb2", "#1f6fb2", "#b3243b", "#b3243b", "#2e8b57", "#2e8b57")
    for n, (one, ink) in enumerate(zip(found, inks, strict=True)):
        axis.loglog(one.spacing_mm, one.error_k, "o--" if n % 2 else "o-", color=ink, label=one.words)
    h = np.array(found[0].spacing_mm)
    top = max(one.error_k[0] for one in found)
    for order, style in ((1, "-."), (2, ":")):
        axis.loglog(h, 1.5 * top * (h / h[0]) ** order, style, color="grey", label=f"order {order}")
    axis.set(
        xlabel="grid spacing, mm", ylabel="rms error of temperature, K", xticks=h, xticklabels=[f"{v:g}" for v in h]
    )
    axis.minorticks_off()
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return _save(figure, folder, "validation-convergence.svg")


def _section(axis: Any, result: HeatResult, style: str) -> None:
    grid = result.grid
    nz, ny, nx = grid.shape_kji
    x = grid.lps_of(np.array([[0.0, 0.0, i] for i in range(nx)]))[:, 0]
    y = grid.lps_of(np.array([[0.0, j, 0.0] for j in range(ny)]))[:, 1]
    for iso_c in ISOTHERMS_C:
        field, level = result.smooth(result.snapshots[-1].temperature_c, iso_c)
        middle = 0.5 * (field[(nz - 1) // 2] + field[nz // 2])
        axis.contour(x, y, middle, levels=[level], colors=INK[iso_c], linestyles=style, linewidths=1.3)


def pair(folder: Path, coarse_and_fine: dict[float, tuple[HeatResult, HeatResult]]) -> str:
    """Draw the middle section of two pairs at two grids, with the extents of the table."""
    figure, axes = plt.subplots(1, len(coarse_and_fine), figsize=(9.0, 4.4))
    for axis, (spacing, (coarse, fine)) in zip(axes, coarse_and_fine.items(), strict=True):
        _section(axis, fine, "solid")
        _section(axis, coarse, "dashed")
        for row in PAIRS:
            if row.spacing_mm == spacing and row.seconds == 600.0:
                axis.plot([-0.5 * row.along_mm, 0.5 * row.along_mm], [0.0, 0.0], "x", color=INK[row.iso_c])
                if row.mid_mm > 0.0:
                    axis.plot([0.0, 0.0], [-0.5 * row.mid_mm, 0.5 * row.mid_mm], "+", color=INK[row.iso_c], ms=8)
        axis.plot([-0.5 * spacing, 0.5 * spacing], [0.0, 0.0], "ko", ms=3)
        axis.set(title=f"probes {spacing:g} mm apart, 600 s", xlabel="along the pair, mm", ylabel="across, mm",
                 aspect="equal", xlim=(-27, 27), ylim=(-20, 20))  # fmt: skip
    for iso_c, ink in INK.items():
        axes[0].plot([], [], color=ink, label=f"{iso_c:g} °C")
    axes[0].plot([], [], "k-", label="1 mm grid")
    axes[0].plot([], [], "k--", label="2 mm grid")
    axes[0].plot([], [], "kx", label="table: extent")
    axes[0].plot([], [], "k+", label="table: mid-point")
    figure.legend(loc="lower center", ncols=7, fontsize=8, bbox_to_anchor=(0.5, -0.06))
    figure.tight_layout()
    return _save(figure, folder, "validation-pair.svg")


def energy(folder: Path, found: Ledger) -> str:
    """Draw where the heat went over the protocol, and what is not accounted for."""
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 5.4), sharex=True, height_ratios=(3, 1))
    minutes = found.time_s / 60.0
    top.plot(minutes, found.probes_kj, "o-", ms=3, color="#1f6fb2", label="drawn by the probes")
    top.plot(minutes, found.tissue_kj, "s-", ms=3, color="#b3243b", label="lost by the tissue (from its temperatures)")
    top.plot(minutes, found.blood_kj, "^-", ms=3, color="#2e8b57", label="brought by blood")
    top.plot(minutes, found.walls_kj, "v-", ms=3, color="#8a6d1f", label="come through the walls")
    top.set(ylabel="kJ since the start", title="Two probes, 10-5-10, perfusion 2000 W/m³K, 80 mm cube")
    top.legend()
    bottom.plot(minutes, 100.0 * found.imbalance, "k.-")
    bottom.axhline(0.1, color="grey", ls="--", lw=1.0)
    bottom.set(yscale="log", ylabel="unaccounted, %\nof probe heat", xlabel="minutes", ylim=(1e-5, 1.0))
    for axis in (top, bottom):
        axis.axvspan(10.0, 15.0, color="#eeeeee", zorder=0)
    return _save(figure, folder, "validation-energy.svg")


def speed(folder: Path, found: dict[str, Any]) -> str:
    """Draw wall times, logarithmic."""
    names, values, inks = [], [], []
    for row in found["rows"]:
        names.append(row["case"])
        values.append(row["best_s"])
        inks.append("#1f6fb2")
    for peer in found["peers"]:
        case = peer["case"].split(", 1 mm")[0]
        names += [f"{peer['peer']}:\n{case}", "CVT Planner, the same"]
        values += [peer["peer_s"], peer["own_best_s"]]
        inks += ["#999999", "#1f6fb2"]
    figure, axis = plt.subplots(figsize=(7.4, 0.42 * len(names) + 1.2))
    axis.barh(range(len(names)), values[::-1], color=inks[::-1])
    axis.set_yticks(range(len(names)), names[::-1])
    for n, value in enumerate(values[::-1]):
        axis.text(value * 1.08, n, f"{value:.2g} s", va="center", fontsize=8)
    axis.set(xscale="log", xlabel="seconds, best run", xlim=(0.5 * min(values), 4.0 * max(values)))
    return _save(figure, folder, "validation-speed.svg")


def pair_sections() -> dict[float, tuple[HeatResult, HeatResult]]:
    """Return the pairs of the picture at 2 and 1 mm."""
    from tests.validation.size_cases import TURNS, pair_result

    return {s: (pair_result(s, TURNS[0], 2.0), pair_result(s, TURNS[0], 1.0)) for s in (10.3125, 20.625)}
