"""Makes Swin's fine-tuning code importable, and builds its settings and networks."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import logging
import os
import sys
import types
import warnings
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import yaml

from tests import classification_cases as cases

RECIPE = "configs/simmim/simmim_finetune__swinv2_base__img224_window14__800ep.yaml"


class Settings(dict):
    """Stands in for yacs' nodes: a tree of settings."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__

    def clone(self):
        items = self.items()
        return Settings({k: v.clone() if isinstance(v, Settings) else v for k, v in items})

    def merge(self, changes):
        for key, value in changes.items():
            assert key in self or key == "BASE", key
            if isinstance(value, dict):
                self[key].merge(value)
            else:
                # as yacs reads what YAML takes for text
                self[key] = float(value) if isinstance(self.get(key), float) else value

    def merge_from_file(self, path):
        self.merge(yaml.safe_load(Path(path).read_text()))

    def defrost(self):
        pass

    freeze = defrost


def install(checkout):
    """Make the authors' modules importable."""
    for name, members in {
        "yacs": {},
        "yacs.config": {"CfgNode": Settings},
        "termcolor": {"colored": lambda text, *_: text},
    }.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(members)
    warnings.filterwarnings("ignore", module="timm|main_simmim_ft|torch")
    sys.path.insert(0, str(checkout))
    from timm.scheduler import cosine_lr

    # timm renamed t_mul, which is 1, to cycle_mul
    known = cosine_lr.CosineLRScheduler
    cosine_lr.CosineLRScheduler = lambda *args, t_mul, **settings: known(
        *args, cycle_mul=t_mul, **settings
    )
    with quiet():
        importlib.import_module("main_simmim_ft").logger = logging.getLogger("silent")


def quiet():
    """Swallow what the authors' code prints."""
    return contextlib.redirect_stdout(io.StringIO())


def official_config(checkout, **changes):
    """Read the recipe of SimMIM's SwinV2-B by the authors' code, for 512 pictures a step."""
    arguments = SimpleNamespace(cfg=str(checkout / RECIPE), opts=None, batch_size=cases.BATCH)
    with quiet(), mock.patch.dict(os.environ, LOCAL_RANK="0"):
        config = importlib.import_module("config").get_config(arguments)
    for part, settings in changes.items():
        functools.reduce(dict.__getitem__, part.split("__"), config).merge(settings)
    return config


def recipe(config):
    """Return what our recipe states too."""
    train, mixing = config.TRAIN, config.AUG
    return {
        "max_epochs": train.EPOCHS,
        "warmup_share": train.WARMUP_EPOCHS / train.EPOCHS,
        "prefix": train.LR_SCHEDULER.WARMUP_PREFIX,
        "lr": train.BASE_LR,
        "min_lr": train.MIN_LR,
        "warmup_lr": train.WARMUP_LR,
        "weight_decay": train.WEIGHT_DECAY,
        "betas": list(train.OPTIMIZER.BETAS),
        "layer_decay": train.LAYER_DECAY,
        "drop_path": config.MODEL.DROP_PATH_RATE,
        "gradient_clip_val": train.CLIP_GRAD,
        "image_size": [config.DATA.IMG_SIZE] * 2,
        "interpolation": config.DATA.INTERPOLATION,
        "window": config.MODEL.SWINV2.WINDOW_SIZE,
        "dropout": config.MODEL.DROP_RATE,
        "smoothing": config.MODEL.LABEL_SMOOTHING,
        "mixup": mixing.MIXUP,
        "cutmix": mixing.CUTMIX,
        "mix_probability": mixing.MIXUP_PROB,
        "mix_switch": mixing.MIXUP_SWITCH_PROB,
        "erasing": mixing.REPROB,
        "colour": mixing.COLOR_JITTER,
    }


def network_of(checkout, entry, windows, pretrained):
    """Build the authors' SwinV2 of the sizes of one of our golden backbones."""
    sizes = entry["arguments"]
    config = official_config(
        checkout,
        MODEL={"NUM_CLASSES": cases.CLASSES, "DROP_PATH_RATE": 0.0},
        DATA={"IMG_SIZE": 64},
        MODEL__SWINV2={
            "EMBED_DIM": sizes["embed_dim"],
            "DEPTHS": list(sizes["depths"]),
            "NUM_HEADS": list(sizes["num_heads"]),
            "WINDOW_SIZE": windows,
            "PRETRAINED_WINDOW_SIZES": pretrained,
        },
    )
    with quiet():
        return config, importlib.import_module("models").build_model(config)
