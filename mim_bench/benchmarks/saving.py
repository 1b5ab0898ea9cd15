"""Keeps what a test predicts: files in the encodings of the field, pictures to look at."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback

from mim_bench.benchmarks.store import ALL_SAVED
from mim_bench.errors import UserError
from mim_bench.files import write_atomic, write_json
from mim_bench.tasks.showing import add_picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from mim_bench.tasks.base import Task


class SavePredictions(Callback):
    """Writes a file for each tested sample (see `Task.files`).

    Args:
        task: Whose `files` are written.
        folder: Where they lie, each under its sample's id.

    Raises:
        UserError: The task saves no predictions.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        if not task.file_ending:
            raise UserError(
                f"{type(task).__name__} has no files of its predictions",
                where="--save-predictions",
                action="leave it out, or write `files` and `file_ending` in the task",
            )
        self.task = task
        self.folder = folder

    def place(self, sample: str) -> Path:
        """Return a sample's file, inside the folder whatever its id is."""
        parts = [part for part in PurePosixPath(sample).parts if part not in ("/", "..")]
        return self.folder.joinpath(*parts[:-1], parts[-1] + self.task.file_ending)

    def saved(self, samples: Iterable[str]) -> set[str]:
        """Return the samples that have their files."""
        return {sample for sample in samples if self.place(sample).is_file()}

    def on_test_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Write the batch's files."""
        contents = self.task.files(outputs["prediction"], batch)
        for sample, content in zip(batch["id"], contents, strict=True):
            _write(self.place(str(sample)), content)

    def finish(self, samples: Sequence[str]) -> None:
        """Say that all is there."""
        write_json(self.folder / ALL_SAVED, {"samples": len(samples)})


class SavePictures(Callback):
    """Draws the first samples of a test (see `Task.draw`) into a folder and into TensorBoard.

    Args:
        task: Whose `draw` and `pictures` are taken.
        folder: Where the pictures are put.
        column: What TensorBoard calls the test.
    """

    def __init__(self, task: Task, folder: Path, column: str) -> None:
        self.task = task
        self.folder = folder
        self.column = column
        self._drawn = 0

    def on_test_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Draw while pictures are wanted."""
        wanted = self.task.pictures - self._drawn
        if wanted <= 0 or not trainer.is_global_zero:
            return
        import cv2

        for name, picture in self.task.draw(outputs["prediction"], batch, wanted):
            self._drawn += 1
            content = cv2.imencode(".png", picture[..., ::-1])[1]
            _write(self.folder / f"{name.replace('/', '_')}.png", content.tobytes())
            add_picture(trainer, f"test/{self.column}/{name}", picture)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content, durable=False)
    except OSError as error:
        raise UserError(
            f"can't be written: {error.strerror or error}",
            where=str(path),
            action="free space on the disk and run again; what was tested is kept",
        ) from error
