"""What is drawn in the 3-D scene, one file each, in the order in which translucent things are laid over another."""

from __future__ import annotations

from app.render.actors.actor import SceneActor
from app.render.actors.aorta import Aorta
from app.render.actors.bone import Bone
from app.render.actors.canal import Canal
from app.render.actors.ice import Ice
from app.render.actors.lesions import Lesions
from app.render.actors.needles import Needles
from app.render.actors.spine import Spine

ACTOR_CLASSES: tuple[type[SceneActor], ...] = (Needles, Canal, Aorta, Lesions, Ice, Spine, Bone)
