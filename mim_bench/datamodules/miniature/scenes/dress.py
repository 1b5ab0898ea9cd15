"""What people wear, and their skin and hair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature.scenes.materials import (
    SUBSTANCES,
    THING_PERIOD,
    Material,
    choose,
    colour,
    plain,
    two_colours,
)

if TYPE_CHECKING:
    from numpy.random import Generator

Dress = dict[str, Material]
"""Part of a body -> material: skin, hair, eyes, shirt, sleeves, trousers, shins, shoes."""

_DARK_SKIN, _LIGHT_SKIN = (0.12, 0.06, 0.04), (0.85, 0.6, 0.48)
_HAIR = (
    (0.02, 0.015, 0.01),
    (0.12, 0.06, 0.03),
    (0.5, 0.33, 0.12),
    (0.45, 0.44, 0.42),
    (0.3, 0.08, 0.03),
)


def dress(rng: Generator) -> Dress:
    """Draw skin, hair and clothes; sleeves and trousers are long or short."""
    mix = rng.random()
    pairs = zip(_DARK_SKIN, _LIGHT_SKIN, strict=True)
    red, green, blue = (dark + mix * (light - dark) for dark, light in pairs)
    skin = plain((red, green, blue))
    shirt, trousers = _cloth(rng, 0.6), _cloth(rng, 0.2)
    return {
        "skin": skin,
        "hair": plain(_HAIR[int(rng.integers(len(_HAIR)))], "cloth"),
        "eyes": plain((0.02, 0.02, 0.03), "plastic"),
        "shirt": shirt,
        "sleeves": shirt if rng.random() < 0.5 else skin,
        "trousers": trousers,
        "shins": trousers if rng.random() < 0.7 else skin,
        "shoes": plain(colour(rng, (0.0, 0.8), (0.02, 0.5)), "plastic"),
    }


def _cloth(rng: Generator, patterned: float) -> Material:
    first, second = two_colours(rng)
    if rng.random() > patterned:
        return plain(colour(rng, (0.1, 0.85), (0.05, 0.9)), "cloth")
    pattern = choose(rng, ("stripes", "bands", "checks", "dots", "zigzag", "diagonal"))
    return Material(pattern, first, second, THING_PERIOD, SUBSTANCES["cloth"])
