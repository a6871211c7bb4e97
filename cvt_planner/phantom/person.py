"""Whose spine it is: how it curves, how dense its bone is, how many vertebrae and ribs it has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """What sets one spine apart from the mean one.

    Parameters
    ----------
    varied
        Whether sizes depart from the published means, each side by its own; None: for odd seeds.
    kyphosis_deg
        Added to the bend of the thoracic spine between T2 and T12.
    cobb_deg, apex
        Scoliosis, a sine wave with counter-curves: the angle between the end vertebrae (negative: the other side), and
        the level farthest from the midline. 0: none, apart from the slight side bend of a varied spine.
    marrow_hu, arch_marrow_hu, shell_mm, cortex_mm
        Spongy bone of bodies and of arches, thickness of the body's shell and of the arch's cortex. The usual ones are
        those of a patient in the fifties (Pickhardt et al., Ann Intern Med 2013;158:588: L1 about 170 to 200 HU).
    lumbar, rib_pairs
        How many lumbar vertebrae (5 or 6) and ribs (11, 12 or 13 pairs) there are; a level keeps its name by counting
        from the first cervical vertebra, so that 11 pairs mean a T12 without ribs and 13 an L1 with short ones.
    collapsed
        Levels whose body has lost half of its height in front and a fifth behind.
    follow
        How far the back's skin follows the curve of the spine, 0 to 1.
    """

    varied: bool | None = None
    kyphosis_deg: float = 0.0
    cobb_deg: float = 0.0
    apex: str = "T9"
    marrow_hu: float = 195.0
    arch_marrow_hu: float = 260.0
    shell_mm: float = 0.6
    cortex_mm: float = 1.35
    lumbar: int = 5
    rib_pairs: int = 12
    collapsed: tuple[str, ...] = ()
    follow: float = 0.4


MEAN = Person()
