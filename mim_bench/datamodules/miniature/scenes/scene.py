"""A scene: things and what stands around them, light and air."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mim_bench.datamodules.miniature.scenes.cameras import Vector
    from mim_bench.datamodules.miniature.scenes.categories import Category
    from mim_bench.datamodules.miniature.scenes.materials import Colour
    from mim_bench.datamodules.miniature.scenes.skeleton import Joints
    from mim_bench.datamodules.miniature.scenes.solids import Solid


@dataclass(frozen=True, eq=False)
class Thing:
    """One instance of something.

    Attributes:
        kind: `person`, `object`, or what it is as furniture or scenery (`chair`, `tree`).
        solids: Its parts.
        category: The category of an `object`.
        joints: The joints of a `person`.
        track: Number that it keeps through a film.
    """

    kind: str
    solids: tuple[Solid, ...]
    category: Category | None = None
    joints: Joints | None = None
    track: int = -1


@dataclass(frozen=True)
class Light:
    """A lamp, or the sun as a lamp far away.

    Attributes:
        position: Where it is.
        target: A point that it shines on; shade is drawn for what lies around it.
        reach: Metres around the target within which shade is drawn.
        colour: RGB strength at the target.
        fade: Whether it gets weaker with distance (a lamp) or not (the sun).
        ambient: RGB of the light from above; from below comes half of it.
    """

    position: Vector
    target: Vector
    reach: float
    colour: Colour = (1.0, 1.0, 1.0)
    fade: bool = True
    ambient: Colour = (0.4, 0.4, 0.4)


@dataclass(frozen=True)
class Scene:
    """What there is to be seen.

    Attributes:
        surroundings: Ground, walls, ceiling.
        things: The rest; their order is their number.
        light: The light.
        haze: Share of the light that is lost per metre.
        air: RGB of the haze.
        sky: RGB at the horizon and above one's head; None indoors.
    """

    surroundings: tuple[Solid, ...]
    things: tuple[Thing, ...]
    light: Light
    haze: float = 0.0
    air: Colour = (0.8, 0.8, 0.8)
    sky: tuple[Colour, Colour] | None = field(default=None)
