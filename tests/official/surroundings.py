"""Stand-ins for what the authors' depth code imports and we don't install."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import types
import warnings
from pathlib import Path

import torch
from torch import nn


class OptimizerConstructor:
    """mmcv's base class: keeps the settings, gathers groups with `add_params`, builds."""

    def __init__(self, optimizer_cfg, paramwise_cfg=None):
        self.optimizer_cfg = optimizer_cfg
        self.paramwise_cfg = paramwise_cfg or {}
        self.base_lr = optimizer_cfg.get("lr")
        self.base_wd = optimizer_cfg.get("weight_decay")

    def __call__(self, model):
        settings = dict(self.optimizer_cfg)
        kind = getattr(torch.optim, settings.pop("type"))
        groups = []
        self.add_params(groups, model)
        return kind(groups, **settings)


class Registry(dict):
    def register_module(self):
        def register(cls):
            self[cls.__name__] = cls
            return cls

        return register


BUILDERS = Registry()


def build_optimizer(model, cfg):
    settings = dict(cfg)
    constructor = BUILDERS[settings.pop("constructor")]
    return constructor(settings, settings.pop("paramwise_cfg"))(model)


def normal_init(module, mean=0, std=1, bias=0):
    nn.init.normal_(module.weight, mean, std)
    constant_bias(module, bias)


def constant_init(module, val, bias=0):
    nn.init.constant_(module.weight, val)
    constant_bias(module, bias)


def constant_bias(module, bias):
    if module.bias is not None:
        nn.init.constant_(module.bias, bias)


def _module(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    module.__path__ = []
    sys.modules[name] = module
    return module


def install(checkout: Path) -> None:
    """Make the authors' modules importable."""
    unused = None
    _module("mmcv", __version__="0")
    _module(
        "mmcv.cnn",
        build_conv_layer=lambda _cfg, **settings: nn.Conv2d(**settings),
        build_norm_layer=lambda _cfg, width: ("bn", nn.BatchNorm2d(width)),
        build_upsample_layer=lambda _cfg, **settings: nn.ConvTranspose2d(**settings),
        constant_init=constant_init,
        normal_init=normal_init,
    )
    _module("mmcv.fileio", FileClient=unused, load=unused)
    _module("mmcv.parallel", is_module_wrapper=lambda _module: False)
    _module(
        "mmcv.utils",
        mkdir_or_exist=lambda path: Path(path).mkdir(parents=True, exist_ok=True),
        get_logger=lambda name, **_settings: logging.getLogger(name),
    )
    _module(
        "mmcv.runner",
        OPTIMIZER_BUILDERS=BUILDERS,
        DefaultOptimizerConstructor=OptimizerConstructor,
        build_optimizer=build_optimizer,
        get_dist_info=lambda: (0, 1),
    )
    _module("tensorboardX", SummaryWriter=unused)
    warnings.filterwarnings("ignore", category=FutureWarning, module="timm")
    warnings.filterwarnings("ignore", message=r".*(meshgrid|pin_memory).*")
    sys.modules.pop("test", None)  # Python's own tests have the name of the authors' script
    sys.path.insert(0, str(checkout))


def quiet():
    """Swallow what the authors' code prints."""
    return contextlib.redirect_stdout(io.StringIO())


@contextlib.contextmanager
def inside(folder: Path):
    """Work in a folder, where the authors' code looks for its lists."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
