"""Task families: each a LightningModule with its head, loss and metrics beside it.

Importing the package loads no torch; `Task` and the families are loaded when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mim_bench.tasks.base import Task
    from mim_bench.tasks.depth import DepthTask
    from mim_bench.tasks.pose import PoseTask
    from mim_bench.tasks.tracking import TrackingTask

__all__ = ["DepthTask", "PoseTask", "Task", "TrackingTask"]


def __getattr__(name: str) -> Any:
    if name == "Task":
        from mim_bench.tasks.base import Task

        return Task
    if name == "DepthTask":
        from mim_bench.tasks.depth import DepthTask

        return DepthTask
    if name == "PoseTask":
        from mim_bench.tasks.pose import PoseTask

        return PoseTask
    if name == "TrackingTask":
        from mim_bench.tasks.tracking import TrackingTask

        return TrackingTask
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
