"""What training scripts pickle beside the weights: a yacs configuration, argparse options."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# a dict subclass that pickles as the class of that package does, which need not be installed
CfgNode = type("CfgNode", (dict,), {"__module__": "yacs.config", "__qualname__": "CfgNode"})


def config(**values: Any) -> dict[str, Any]:
    """A nested configuration, with the bookkeeping attributes yacs keeps on each node."""
    node = CfgNode({k: config(**v) if isinstance(v, dict) else v for k, v in values.items()})
    node.__dict__.update(
        {
            "__immutable__": True,
            "__deprecated_keys__": set(),
            "__renamed_keys__": {},
            "__new_allowed__": False,
        }
    )
    return node


def options(**values: Any) -> Namespace:
    """Command-line options as argparse holds them."""
    return Namespace(output_dir="runs", epochs=300, lr=1e-3, **values)


def training_state() -> dict[str, Any]:
    """What an optimiser and a schedule leave in a file (a few tensors that are no weights)."""
    moments = {"step": 5, "exp_avg": torch.ones(4, 4), "exp_avg_sq": torch.ones(4, 4)}
    group = {"lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0.05, "params": [0]}
    return {"state": {0: moments}, "param_groups": [group]}


@contextmanager
def importable() -> Iterator[None]:
    """While it lasts, `yacs.config.CfgNode` can be found by pickle."""
    names = ("yacs", "yacs.config")
    before = {name: sys.modules.get(name) for name in names}
    for name in names:
        sys.modules[name] = ModuleType(name)
    sys.modules["yacs.config"].CfgNode = CfgNode  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def save(contents: Mapping[str, Any], path: Path, legacy: bool = False) -> Path:
    """Write a checkpoint as torch.save does; `legacy` is the format before 1.6 (no zip)."""
    with importable():
        torch.save(contents, path, _use_new_zipfile_serialization=not legacy)
    return path
