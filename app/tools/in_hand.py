"""All tools by name."""

from __future__ import annotations

from app.brushing import Brushing
from app.desk import Desk
from app.finding import Finding
from app.growing import Growing
from app.render.tool import Tool
from app.tools.brush import BrushTool
from app.tools.marking import AimTool, CanalTool, GrowTool, MeasureTool, SphereTool
from app.tools.navigate import NavigateTool
from app.tools.spine import SeedTool, SpineBrushTool

# Left when another step is entered.
OF_ONE_STEP = (
    *("sphere", "grow", "brush", "eraser", "canal", "aim"),
    *("canal_seed", "disc_seed", "join_seed", "spine_brush"),
)


def make_tools(
    desk: Desk, growing: Growing, brushing: Brushing, finding: Finding, navigate: NavigateTool
) -> dict[str, Tool]:
    """Return the tools the left button can have."""
    return {
        "navigate": navigate,
        "sphere": SphereTool(desk),
        "grow": GrowTool(desk, growing),
        "brush": BrushTool(brushing),
        "eraser": BrushTool(brushing, erase=True),
        "canal": CanalTool(desk),
        "aim": AimTool(desk),
        "measure": MeasureTool(desk),
        "canal_seed": SeedTool(finding, "canal"),
        "disc_seed": SeedTool(finding, "disc"),
        "join_seed": SeedTool(finding, "no disc"),
        "spine_brush": SpineBrushTool(finding),
    }
