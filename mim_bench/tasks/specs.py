"""What a task is told of its backbone and its dataset, in whatever form. (No torch.)."""

from __future__ import annotations

import dataclasses
from typing import Any

from mim_bench.backbones.spec import BackboneSpec


def spec_of(backbone: BackboneSpec | dict[str, Any] | str) -> BackboneSpec:
    """Return a backbone's spec: of itself, its dictionary, or `NAME[=FILE|pretrained]`."""
    if isinstance(backbone, str):
        return BackboneSpec.parse(backbone)
    return BackboneSpec.from_dict(backbone) if isinstance(backbone, dict) else backbone


def info_dict(info: Any) -> dict[str, Any]:
    """Return what is known of a dataset as a dictionary: of a dataclass, a mapping or None."""
    if info is None:
        return {}
    if dataclasses.is_dataclass(info):
        return {field.name: getattr(info, field.name) for field in dataclasses.fields(info)}
    return dict(info)
