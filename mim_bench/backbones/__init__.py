"""Any timm model as a feature pyramid. Importing this package loads no torch: names are lazy."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "BackboneSpec": "spec",
    "check_name": "spec",
    "timm_names": "names",
    "DEFAULT_BACKBONES": "catalogue",
    "catalogue": "catalogue",
    "Backbone": "build",
    "build_backbone": "build",
    "BlockInfo": "blocks",
    "LoadReport": "accounting",
    "ParamGroup": "groups",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
