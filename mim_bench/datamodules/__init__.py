"""Datasets: torch-free readers, the miniature world, and a datamodule over each reader.

Importing the package loads nothing heavy; `BenchDataModule` and `DepthDataModule` are loaded when
first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mim_bench.datamodules.base import BenchDataModule
    from mim_bench.datamodules.depth import DepthDataModule
    from mim_bench.datamodules.pose import PoseDataModule

__all__ = ["BenchDataModule", "DepthDataModule", "PoseDataModule"]


def __getattr__(name: str) -> Any:
    if name == "BenchDataModule":
        from mim_bench.datamodules.base import BenchDataModule

        return BenchDataModule
    if name == "DepthDataModule":
        from mim_bench.datamodules.depth import DepthDataModule

        return DepthDataModule
    if name == "PoseDataModule":
        from mim_bench.datamodules.pose import PoseDataModule

        return PoseDataModule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
