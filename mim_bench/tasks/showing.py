"""Shows pictures in every logger that takes some."""

from __future__ import annotations

from typing import Any


def add_picture(trainer: Any, title: str, picture: Any) -> None:
    """Show a picture (H, W, 3) RGB in every logger that takes some."""
    for logger in trainer.loggers:
        add_image = getattr(getattr(logger, "experiment", None), "add_image", None)
        if add_image is not None:
            add_image(title, picture, trainer.global_step, dataformats="HWC")


def add_figure(trainer: Any, title: str, content: bytes) -> None:
    """Show a PNG file's content."""
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if picture is not None:
        add_picture(trainer, title, picture[..., ::-1])
