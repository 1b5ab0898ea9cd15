"""A small backbone, a depth task on it and batches, so that tasks are tested without timm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers import Logger
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mim_bench.tasks.depth import DepthTask


@dataclass
class Group:
    params: list[Any]
    names: list[str]
    layer: int
    scale: float
    decay: bool
    name: str


class TinyBackbone(nn.Module):
    """Two layers of stride 4 and 4, with what a backbone offers to tasks."""

    strides = (16,)
    channels = (64,)
    mean = (0.5, 0.4, 0.3)
    std = (0.2, 0.25, 0.5)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 4, 4)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.5)
        self.second = nn.Conv2d(16, 64, 4, 4)

    def forward(self, images):
        height, width = images.shape[-2:]
        images = nn.functional.pad(images, (0, -width % 16, 0, -height % 16))
        return [self.second(self.drop(self.norm(self.first(images).relu())))]

    def param_groups(self, convention, decay, prefix="backbone."):
        groups = {}
        for name, parameter in self.named_parameters():
            layer = 1 if name.startswith("second") else 0
            decays = parameter.ndim > 1
            key = f"layer_{layer:02d}_{'decay' if decays else 'no_decay'}"
            group = groups.setdefault(key, Group([], [], layer, decay ** (2 - layer), decays, key))
            group.params.append(parameter)
            group.names.append(prefix + name)
        return list(groups.values())


class TinyDepth(DepthTask):
    def build_backbone(self):
        return TinyBackbone()


def make_task(cls=TinyDepth, **arguments):
    torch.manual_seed(0)
    settings = {"crop": "none", "windows": 2, "flip": True, "pictures": 2, **arguments}
    return cls("vit_mini", image_size=[32, 32], **settings)


def make_batch(count=3, height=32, width=40, seed=0, holes=0.2, ids=None):
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 9.5, (count, height, width)).astype(np.float32)
    depth[rng.uniform(size=depth.shape) < holes] = 0
    return {
        "id": ids or [f"sample-{seed}-{index}" for index in range(count)],
        "image": torch.from_numpy(rng.integers(0, 256, (count, 3, height, width), dtype=np.uint8)),
        "depth": torch.from_numpy(depth),
        "valid": torch.from_numpy(depth > 0),
    }


class Frames(Dataset):
    """The samples of a batch, one by one."""

    def __init__(self, batch):
        self.batch = batch

    def __len__(self):
        return len(self.batch["id"])

    def __getitem__(self, index):
        return {key: value[index] for key, value in self.batch.items()}


def loader(batch, size):
    return DataLoader(Frames(batch), batch_size=size)


def make_trainer(folder, **settings):
    return pl.Trainer(
        **{
            "accelerator": "cpu",
            "logger": False,
            "max_epochs": 4,
            "num_sanity_val_steps": 0,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            "default_root_dir": str(folder),
            **settings,
        }
    )


class Recorder(Logger):
    """Keeps what is logged."""

    name = "recorder"
    version = "0"

    def __init__(self):
        super().__init__()
        self.rows = []
        self.shown = []

    @property
    def experiment(self):
        return self

    def add_image(self, tag, picture, step, dataformats):
        assert dataformats == "HWC"
        self.shown.append((tag, picture, step))

    def log_metrics(self, metrics, step=None):
        self.rows.append((step, dict(metrics)))

    def log_hyperparams(self, *_, **__):
        pass

    def steps(self, name):
        return [step for step, row in self.rows if name in row]


class Rates(Callback):
    """Keeps the rates with which the optimiser steps."""

    def __init__(self):
        self.seen = []

    def on_before_optimizer_step(self, trainer, module, optimizer):
        self.seen.append({group["name"]: group["lr"] for group in optimizer.param_groups})


def fit(task, folder, batch=None, size=2, **settings):
    batch = batch or make_batch(8, 32, 32)
    trainer = make_trainer(folder, **settings)
    trainer.fit(task, loader(batch, size), loader(make_batch(3, seed=9), 2))
    return trainer
