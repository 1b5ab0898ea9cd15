"""Checkpoints of a run: written whole, read as data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from safetensors.torch import load_model, save_model

from mim_bench.errors import UserError

LAST = "last.ckpt"
"""Network, optimiser and loop state of an unfinished training."""

FINAL = "final.safetensors"
"""The network's weights at the end of training."""

FACTS = "facts.json"
"""What the dataset told the task, such as its classes: it shapes the head."""

BEST = "best-{metric}.safetensors"
"""The network's weights at its best validation by a metric."""


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes beside and renames, so that a kill leaves the old checkpoint or the new one."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Save a checkpoint whole.

        Raises:
            UserError: The disk is full; the old checkpoint is kept.
        """
        del storage_options
        _write_whole(Path(path), lambda temporary: torch.save(checkpoint, temporary))

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Load a checkpoint as data: nothing in it is executed."""
        del weights_only
        try:
            content: dict[str, Any] = torch.load(
                path, map_location=map_location or "cpu", weights_only=True
            )
        except (RuntimeError, EOFError, OSError) as error:
            raise UserError(
                f"is damaged: {error}",
                where=str(path),
                action="delete the file: the run then starts again from its beginning",
            ) from error
        return content


def save_weights(network: torch.nn.Module, path: Path) -> None:
    """Save a network's weights whole, as safetensors."""
    _write_whole(path, lambda temporary: save_model(network, str(temporary)))


def load_network(network: torch.nn.Module, path: Path) -> None:
    """Load weights that `save_weights` wrote; every one of them must fit."""
    load_model(network, str(path), strict=True)


def _write_whole(path: Path, write: Any) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        raise UserError(
            f"can't be written: {error}",
            where=str(path),
            action="free space on the disk and run again; the last checkpoint before is kept",
        ) from error
