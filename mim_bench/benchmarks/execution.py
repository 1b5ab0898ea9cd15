"""Runs one run: builds task and data from their specs, fits, tests, writes the scores."""

from __future__ import annotations

import math
import time
import warnings
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import TensorBoardLogger

from mim_bench.backbones.spec import BackboneSpec
from mim_bench.benchmarks import checkpoints, environment
from mim_bench.benchmarks.callbacks import (
    FiniteLoss,
    KeepBest,
    Progress,
    ReseedEachStep,
    SaveAndStop,
    Speed,
)
from mim_bench.benchmarks.cards import make_card
from mim_bench.benchmarks.pruning import WatchTrial
from mim_bench.benchmarks.settings import TRAINER_OTHER, TRAINER_SCORED
from mim_bench.benchmarks.testing import test_columns
from mim_bench.errors import UserError
from mim_bench.files import write_atomic, write_json
from mim_bench.imports import import_object
from mim_bench.tasks.specs import info_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mim_bench.benchmarks.stopping import StopRequest
    from mim_bench.benchmarks.store import RunFolder
    from mim_bench.datamodules.base import BenchDataModule
    from mim_bench.tasks.base import Task


def execute(job: Mapping[str, Any], folder: RunFolder, stop: StopRequest, threads: int = 1) -> None:
    """Train a run as far as it isn't trained, and test the columns that lack a score.

    Args:
        job: `Node.job()`.
        folder: The run's folder, claimed by this process.
        stop: Set when the worker is asked to stop.
        threads: The cores that this worker may use.

    Raises:
        Interrupted: The worker was asked to stop; the run can go on later.
        Pruned: It is a trial that the search gave up.
        UserError: Data, weights or settings are wrong.
    """
    content = job["resolved"]
    settings = {**TRAINER_SCORED, **TRAINER_OTHER, **content["trainer"]}
    pl.seed_everything(int(job["seed"]), verbose=False)
    environment.reset_peak_memory()
    datamodule = build_datamodule(job)
    share_cores(threads, datamodule.num_workers)
    task = build_task(job, datamodule)
    if settings["compile"]:
        task.network.compile()  # in place: the names of the weights stay
    every = int(settings["log_every_n_steps"])
    speed = Speed(every)
    best = {
        test["metric"]: test["direction"] for test in job["scores"] if test["checkpoint"] == "best"
    }
    trainer = build_trainer(
        settings,
        folder,
        [
            ReseedEachStep(int(job["seed"])),
            speed,
            Progress(folder),
            FiniteLoss(every),
            KeepBest(folder, best),
            SaveAndStop(folder, stop, float(settings["checkpoint_minutes"])),
            *([WatchTrial(folder, job)] if job.get("kind") == "trial" else []),
        ],
        more_logger=settings["logger"],
    )
    final = folder.checkpoints / checkpoints.FINAL
    timings = dict(folder.read().get("timings") or {})
    if final.is_file():
        checkpoints.load_network(task.network, final)
    else:
        split_batch(datamodule, trainer, settings)
        cards = {test["column"]: make_card(job, task, datamodule, test) for test in job["scores"]}
        _describe(trainer, job, cards)
        if trainer.is_global_zero:
            keep_splits(folder, datamodule)
        started = time.monotonic()
        _fit(trainer, task, datamodule, folder)
        timings["fit_s"] = timings.get("fit_s", 0.0) + time.monotonic() - started
        if trainer.is_global_zero:
            keep_facts(folder, datamodule)
            checkpoints.save_weights(task.network, final)
            (folder.checkpoints / checkpoints.LAST).unlink(missing_ok=True)
            folder.update(
                timings=timings,
                parameters=sum(weight.numel() for weight in task.network.parameters()),
                batch=datamodule.batch_report,
                features=None,  # those of weights that were lost say nothing of these
                **speed.summary(),
            )
        trainer.strategy.barrier()
    started = time.monotonic()
    split_batch(datamodule, trainer, settings)
    test_columns(job, folder, trainer, task, datamodule)
    timings["test_s"] = timings.get("test_s", 0.0) + time.monotonic() - started
    if trainer.is_global_zero:
        folder.update(timings=timings, peak_memory_mb=round(environment.peak_memory_mb(), 1))


def keep_splits(folder: RunFolder, datamodule: BenchDataModule) -> None:
    """Write down what splits have that a seed chose: `splits/<split>.txt`, an id on each line."""
    reader = datamodule.reader
    for split in dict.fromkeys((datamodule.train_split, datamodule.val_split)):
        if reader.chosen_by_seed(split):
            place = folder.path / "splits" / f"{split}.txt"
            write_atomic(place, "".join(f"{name}\n" for name in reader.ids(split)))


def keep_facts(folder: RunFolder, datamodule: BenchDataModule) -> None:
    """Write down what the network's head was shaped by, so that it can be built without data."""
    write_json(folder.checkpoints / checkpoints.FACTS, {"info": info_dict(datamodule.info)})


def share_cores(cores: int, loaders: int) -> None:
    """Leave a core to each loader process; torch's threads wait for each other actively.

    With more threads than free cores a step takes several times as long, seen on two cores.
    """
    torch.set_num_threads(max(1, cores - loaders))


def build_datamodule(job: Mapping[str, Any]) -> BenchDataModule:
    """Build a job's datamodule on its data root."""
    part = job["resolved"]["data"]
    cls = import_object(part["class_path"], "data.class_path")
    arguments = {**(part.get("init_args") or {}), "root": job["data_root"], "seed": job["seed"]}
    datamodule: BenchDataModule = cls(**arguments)
    return datamodule


def build_task(job: Mapping[str, Any], datamodule: Any) -> Task:
    """Build a job's task over its backbone; random weights come from the run's seed.

    Args:
        job: `Node.job()`.
        datamodule: Of which `info` is taken.
    """
    part = job["resolved"]["task"]
    cls = import_object(part["class_path"], "task.class_path")
    torch.manual_seed(int(job["seed"]))
    task: Task = cls(
        backbone=backbone_spec(job),
        mode=job["mode"],
        info=datamodule.info,
        **(part.get("init_args") or {}),
    )
    return task


def backbone_spec(job: Mapping[str, Any]) -> BackboneSpec:
    """Return a job's backbone."""
    fields = ("name", "weights", "label", "options")
    return BackboneSpec.from_dict({key: job["backbone"].get(key) for key in fields})


def build_trainer(
    settings: Mapping[str, Any], folder: RunFolder, callbacks: list[Any], more_logger: Any = None
) -> pl.Trainer:
    """Build the Lightning trainer of a run's settings, with TensorBoard in the run's folder."""
    loggers: list[Any] = [TensorBoardLogger(str(folder.path), name="tensorboard", version="")]
    if more_logger:
        cls = import_object(more_logger["class_path"], "trainer.logger", "logger")
        loggers.append(cls(**(more_logger.get("init_args") or {})))
    in_steps = settings["max_steps"] is not None
    interval = settings["val_check_interval"]
    limit = settings["limit_val_batches"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on hardware that the user chose not to use
        return pl.Trainer(
            max_steps=int(settings["max_steps"]) if in_steps else -1,
            max_epochs=-1 if in_steps else int(settings["max_epochs"]),
            precision=settings["precision"],
            accumulate_grad_batches=int(settings["accumulate_grad_batches"]),
            gradient_clip_val=settings["gradient_clip_val"],
            gradient_clip_algorithm=settings["gradient_clip_algorithm"],
            sync_batchnorm=settings["batch_norm"] == "sync",
            accelerator=settings["accelerator"],
            devices=settings["devices"],
            num_nodes=int(settings["num_nodes"]),
            strategy=settings["strategy"],
            benchmark=settings["benchmark"],
            log_every_n_steps=int(settings["log_every_n_steps"]),
            val_check_interval=interval,
            check_val_every_n_epoch=None
            if isinstance(interval, int)
            else settings["check_val_every_n_epoch"],
            limit_val_batches=1.0 if limit is None else limit,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,  # ours repeats no sample
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,  # SaveAndStop and KeepBest do it
            callbacks=callbacks,
            logger=loggers,
            plugins=[checkpoints.WholeCheckpointIO()],
            default_root_dir=str(folder.path),
        )


def split_batch(
    datamodule: BenchDataModule, trainer: pl.Trainer, settings: Mapping[str, Any]
) -> None:
    """Give each device its part of the effective batch.

    Raises:
        UserError: The batch can't be divided by devices times accumulation.
    """
    parts = trainer.world_size * int(settings["accumulate_grad_batches"])
    effective = datamodule.effective_batch_size
    if effective % parts:
        raise UserError(
            f"a batch of {effective} can't be divided by {trainer.world_size} device(s) x "
            f"{settings['accumulate_grad_batches']} accumulated batch(es)",
            where="data.batch_size",
            action="choose devices and trainer.accumulate_grad_batches so that it can",
        )
    datamodule.device_batch_size = effective // parts
    datamodule.batch_report = {
        "effective": effective,
        "configured": datamodule.batch_size,
        "per_device": effective // parts,
        "accumulated": int(settings["accumulate_grad_batches"]),
        "devices": trainer.world_size,
        "batch_norm": effective if settings["batch_norm"] == "sync" else effective // parts,
    }


def _describe(trainer: pl.Trainer, job: Mapping[str, Any], cards: Mapping[str, Any]) -> None:
    """Put the hyper-parameters and the protocol cards into TensorBoard as text."""
    import yaml

    if not trainer.is_global_zero:
        return
    writer = trainer.loggers[0].experiment  # type: ignore[attr-defined]  # TensorBoard's
    texts = {"recipe": job["resolved"], "backbone": job["backbone"]}
    texts |= {f"protocol card/{column}": card for column, card in cards.items()}
    for name, content in texts.items():
        text = yaml.safe_dump(_plain(content), sort_keys=False)
        writer.add_text(name, "    " + text.replace("\n", "\n    "), 0)


def _plain(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(value) for value in content]
    return content if isinstance(content, (str, int, float, bool, type(None))) else str(content)


def _fit(trainer: pl.Trainer, task: Task, datamodule: BenchDataModule, folder: RunFolder) -> None:
    """Fit from the beginning or from the last checkpoint."""
    last = folder.checkpoints / checkpoints.LAST
    resume = str(last) if last.is_file() else None
    trainer.fit(task, datamodule=datamodule, ckpt_path=resume)
    steps = trainer.estimated_stepping_batches
    if not math.isfinite(steps) or trainer.global_step < steps:
        raise RuntimeError(f"training ended at step {trainer.global_step} of {steps}")
