"""Loaders: the same samples on any workers and ranks, whole evaluations, clear errors."""

from __future__ import annotations

import pickle

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nyu_folders import make_nyu
from torch.utils.data import DataLoader, DistributedSampler

from mim_bench.benchmarks.check import GIVEN_TO_DATA, check_arguments
from mim_bench.datamodules import BenchDataModule, DepthDataModule
from mim_bench.datamodules.loading import collate
from mim_bench.datamodules.readers.base import Reader
from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.errors import UserError

CROP = (16, 20)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_nyu(tmp_path_factory.mktemp("datamodule"), train=11, test=7)


def module(root, **changes) -> DepthDataModule:
    return DepthDataModule("nyuv2", root, **{"batch_size": 2, "crop": CROP, **changes})


def same(one: dict, two: dict) -> bool:
    return one.keys() == two.keys() and all(
        torch.equal(one[key], two[key])
        if isinstance(one[key], torch.Tensor)
        else one[key] == two[key]
        for key in one
    )


def drain(loader) -> list[dict]:
    """List a loader's batches; after an error, end its workers at once (torch waits long)."""
    iterator = iter(loader)
    try:
        return list(iterator)
    finally:
        if loader.num_workers:
            iterator._shutdown_workers()


def epoch(datamodule, number=0) -> list[dict]:
    loader = datamodule.train_dataloader()
    loader.sampler.set_epoch(number)
    return list(loader)


def test_batches_have_the_promised_shapes(root):
    batches = epoch(module(root))
    assert len(batches) == 5  # 11 samples: the last, incomplete batch is dropped
    for batch in batches:
        assert set(batch) == {"id", "image", "depth", "valid"}
        assert batch["image"].shape == (2, 3, *CROP)
        assert batch["image"].dtype == torch.uint8
        assert batch["image"].is_contiguous()
        assert batch["depth"].shape == batch["valid"].shape == (2, *CROP)
        assert batch["depth"].dtype == torch.float32
        assert batch["valid"].dtype == torch.bool
        assert torch.equal(batch["valid"], batch["depth"] > 0)
        assert not batch["valid"].all()
    assert len({name for batch in batches for name in batch["id"]}) == 10


def test_workers_change_nothing(root):
    wanted = [epoch(module(root), number) for number in range(2)]
    assert not any(same(*pair) for pair in zip(*wanted, strict=True))
    for workers in (1, 2):
        datamodule = module(root, num_workers=workers)
        loader = datamodule.train_dataloader()
        for number in range(2):  # the same workers go on
            loader.sampler.set_epoch(number)
            found = list(loader)
            assert len(found) == len(wanted[number])
            assert all(same(*pair) for pair in zip(found, wanted[number], strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_going_on_gives_exactly_the_rest(root, workers):
    wanted = epoch(module(root), 3)
    for done in (0, 1, 4):
        datamodule = module(root, num_workers=workers)
        loader = datamodule.train_dataloader()
        loader.load_state_dict({"epoch": 3, "batches": done})
        assert len(loader) == 5
        found = list(loader)
        assert len(found) == 5 - done
        assert all(same(*pair) for pair in zip(found, wanted[done:], strict=True))
        loader.sampler.set_epoch(4)
        following = list(loader)
        assert all(same(*pair) for pair in zip(following, epoch(module(root), 4), strict=True))


def test_ranks_and_accumulation_share_the_same_batch(root):
    wanted = epoch(module(root, batch_size=4))
    for parts, device in ((2, 2), (4, 1), (1, 2), (2, 1)):
        found = []
        for rank in range(parts):
            datamodule = module(root, batch_size=4)
            datamodule.device_batch_size = device
            datamodule.shard = lambda rank=rank, parts=parts: (rank, parts)
            found.append(epoch(datamodule))
        accumulated = 4 // (parts * device)
        assert {len(batches) for batches in found} == {len(wanted) * accumulated}
        for step, batch in enumerate(wanted):
            rows = {
                name: image
                for batches in found
                for part in batches[step * accumulated : (step + 1) * accumulated]
                for name, image in zip(part["id"], part["image"], strict=True)
            }
            assert set(rows) == set(batch["id"])
            for name, image in zip(batch["id"], batch["image"], strict=True):
                assert torch.equal(rows[name], image)


def test_ranks_going_on_in_the_middle_of_an_epoch(root):
    for rank in range(2):
        parts = []
        for start in (0, 2):
            datamodule = module(root, batch_size=4)
            datamodule.device_batch_size = 1
            datamodule.shard = lambda rank=rank: (rank, 2)
            loader = datamodule.train_dataloader()
            loader.load_state_dict({"epoch": 0, "batches": start})
            parts.append([batch["id"] for batch in loader])
        assert parts[1] == parts[0][2:]
        assert len(parts[0]) == 4  # 8 of 11 samples in whole steps of 4


def test_seeds_differ_and_the_order_is_the_plans(root):
    one, two = epoch(module(root)), epoch(module(root, seed=1))
    assert [batch["id"] for batch in one] != [batch["id"] for batch in two]
    datamodule = module(root)
    ids = datamodule.reader.ids("train")
    assert [name for batch in one for name in batch["id"]] == [
        ids[index] for index in datamodule.epoch_plan(0)[:10]
    ]


def test_a_set_smaller_than_a_batch_trains_with_its_own_size(root):
    datamodule = module(root, batch_size=24)
    assert datamodule.effective_batch_size == 11
    (batch,) = epoch(datamodule)
    assert len(batch["id"]) == 11


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9), st.integers(1, 4), st.data())
def test_evaluation_is_exact_over_ranks_and_after_a_kill(root, world, size, data):
    ids = NYUv2(root).ids("test")
    done = data.draw(st.sets(st.sampled_from(ids)))
    seen = []
    for rank in range(world):
        datamodule = module(root, eval_batch_size=size)
        datamodule.shard = lambda rank=rank: (rank, world)
        loader = datamodule.eval_dataloader("test", skip=done)
        batches = list(loader)
        assert len(batches) == len(loader)
        assert all(len(batch["id"]) <= size for batch in batches)
        seen += [name for batch in batches for name in batch["id"]]
    assert sorted(seen) == sorted(set(ids) - done)


def test_evaluation_gives_whole_frames_and_changes_nothing(root):
    datamodule = module(root, num_workers=1, eval_batch_size=3)
    assert list(datamodule.test_dataloader()) == ["test"]
    for loader in (datamodule.val_dataloader(), datamodule.test_dataloader()["test"]):
        batches = list(loader)
        assert [len(batch["id"]) for batch in batches] == [3, 3, 1]
        for index, name in enumerate(datamodule.reader.ids("test")):
            sample = datamodule.reader.sample("test", index)
            batch = batches[index // 3]
            assert batch["id"][index % 3] == name
            assert np.array_equal(batch["image"][index % 3].permute(1, 2, 0), sample["image"])
            assert np.array_equal(batch["depth"][index % 3], sample["depth"])
    assert same(datamodule.sample_batch("test", 3), batches[0])
    assert len(datamodule.sample_batch("test", 99)["id"]) == 7


def test_some_samples_are_spread_over_the_list_and_prepared_for_evaluation(root):
    datamodule = module(root, scale=0.5)
    ids = datamodule.reader.ids("train")
    for most, places in ((99, range(11)), (11, range(11)), (4, (0, 2, 5, 8)), (1, (0,))):
        found = list(datamodule.some_samples("train", most))
        assert [sample["id"] for sample in found] == [ids[place] for place in places]
    whole = datamodule.batch_of("train", range(11))
    for place, sample in zip((0,), found, strict=True):
        assert np.array_equal(sample["depth"], whole["depth"][place])
        assert np.array_equal(sample["valid"], sample["depth"] > 0)
        assert sample["depth"].shape == (12, 16)
    assert next(datamodule.some_samples("test", 3))["id"] == datamodule.reader.ids("test")[0]


def test_frames_are_scaled(root):
    datamodule = module(root, scale=0.5, crop=(10, 12))
    assert epoch(datamodule)[0]["image"].shape == (2, 3, 10, 12)
    assert datamodule.sample_batch("test", 1)["depth"].shape == (1, 12, 16)


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_of_workers_arrive_as_they_are(tmp_path, workers):
    root = make_nyu(tmp_path)
    for path in root.rglob("sync_depth_*.png"):
        path.write_bytes(path.read_bytes()[:50])
    datamodule = module(root, num_workers=workers)
    for loader in (datamodule.train_dataloader(), datamodule.val_dataloader()):
        with pytest.raises(UserError) as caught:
            drain(loader)
        lines = str(caught.value).splitlines()
        assert "sync_depth_" in lines[0]
        assert lines[0].endswith("is cut short (50 bytes)")
        assert "_list.txt:" in lines[0]
        assert lines[1:] == [
            "  expected: a whole JPEG or PNG file",
            "  to do: copy or download the file again",
        ]
        assert isinstance(caught.value, UserError)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_crop_that_does_not_fit_names_both(root, workers):
    datamodule = module(root, crop=(480, 480), num_workers=workers)
    with pytest.raises(UserError, match=r"data\.crop: the crop of 480 x 480 .* 24 x 32"):
        drain(datamodule.train_dataloader())


def test_frames_of_several_sizes_need_batches_of_one(tmp_path):
    root = make_nyu(tmp_path, size=(24, 32))
    for path in (root / "nyu_depth_v2/official_splits/test").rglob("*00001.*"):
        path.unlink()
    other = make_nyu(tmp_path / "other", size=(26, 32)) / "nyu_depth_v2/official_splits/test"
    for path in other.rglob("*00001.*"):
        path.rename(root / "nyu_depth_v2/official_splits/test" / path.relative_to(other))
    with pytest.raises(UserError, match="eval_batch_size"):
        list(module(root).val_dataloader())
    assert len(list(module(root, eval_batch_size=1).val_dataloader())) == 7


def test_a_trainers_own_sampler_is_refused(root):
    loader = module(root).train_dataloader()
    replaced = DataLoader(
        loader.dataset, sampler=DistributedSampler(loader.dataset, num_replicas=2, rank=0)
    )
    with pytest.raises(UserError, match="use_distributed_sampler=False"):
        next(iter(replaced))


def test_loaders_go_to_processes_that_share_no_memory(root):
    for loader in (module(root).train_dataloader(), module(root).val_dataloader()):
        dataset = pickle.loads(pickle.dumps(loader.dataset))
        draws = list(loader.sampler)[:2]
        assert same(collate([dataset[draw] for draw in draws]), next(iter(loader)))


class Watch(pl.LightningModule):
    """A model that notes what it is given."""

    def __init__(self, stop_at: int | None = None) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.seen: list[list[str]] = []
        self.stop_at = stop_at

    def training_step(self, batch, batch_idx):
        self.seen.append(batch["id"])
        return self.layer(batch["depth"].mean().view(1)).sum()

    def validation_step(self, batch, batch_idx):
        pass

    def on_train_batch_end(self, *_):
        if self.stop_at == len(self.seen):
            self.trainer.save_checkpoint(self.trainer.default_root_dir + "/last.ckpt")
            raise InterruptedError

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)


def trainer(folder, **options):
    return pl.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=str(folder),
        **options,
    )


@pytest.mark.parametrize("stop", [2, 5, 8])
def test_a_plain_trainer_restores_the_loaders_place(root, tmp_path, stop, recwarn):
    whole, first, rest = Watch(), Watch(stop), Watch()
    trainer(tmp_path).fit(whole, datamodule=module(root))
    with pytest.raises(InterruptedError):
        trainer(tmp_path).fit(first, datamodule=module(root, num_workers=1))
    trainer(tmp_path).fit(rest, datamodule=module(root), ckpt_path=str(tmp_path / "last.ckpt"))
    assert first.seen + rest.seen == whole.seen
    assert not [warning for warning in recwarn if "not resumable" in str(warning.message)]


class SaveAfterEpoch(pl.Callback):
    """Saves behind the first epoch, as Lightning's own checkpointing does."""

    def on_train_epoch_end(self, trainer, module):
        if trainer.current_epoch == 0:
            trainer.save_checkpoint(trainer.default_root_dir + "/end.ckpt")


def test_going_on_from_between_two_epochs(root, tmp_path):
    whole, rest = Watch(), Watch()
    trainer(tmp_path, callbacks=[SaveAfterEpoch()]).fit(whole, datamodule=module(root))
    trainer(tmp_path).fit(rest, datamodule=module(root), ckpt_path=str(tmp_path / "end.ckpt"))
    assert rest.seen == whole.seen[5:]


def test_readers_are_named_in_several_ways(root, monkeypatch):
    path = "mim_bench.datamodules.readers.nyuv2.NYUv2"
    for reader in (
        "nyuv2",
        path,
        {"class_path": path},
        {"class_path": path, "init_args": {}},
        None,
    ):
        assert isinstance(DepthDataModule(reader, root).reader, NYUv2)
    given = NYUv2(root)
    assert DepthDataModule(given).reader is given
    with pytest.raises(UserError, match="MIM_BENCH_DATA"):
        DepthDataModule("nyuv2")
    monkeypatch.setenv("MIM_BENCH_DATA", str(root))
    datamodule = DepthDataModule("nyuv2")
    assert datamodule.reader.root == root
    assert datamodule.info.name == "nyuv2"
    assert datamodule.splits == ("train", "test")


class NoDepth(Reader):
    """A reader of something else."""

    info = NYUv2.info

    def ids(self, split):
        return ["a"]

    def sample(self, split, index):
        return {"id": "a", "label": 3, "boxes": np.zeros((index, 4))}

    def check(self, splits=None):
        return []

    def describe(self, split):
        raise AssertionError


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"reader": {"init_args": {}}}, "names no class"),
        ({"reader": "nyu"}, "did you mean 'nyuv2'"),
        ({"reader": NoDepth("/")}, "reads no depth"),
        ({"batch_size": 0}, "data.batch_size"),
        ({"num_workers": -1}, "data.num_workers"),
        ({"seed": -1}, "data.seed"),
        ({"eval_batch_size": 0}, "data.eval_batch_size"),
        ({"scale": 0.0}, "data.scale"),
        ({"crop": [480]}, "data.crop"),
        ({"cut_depth": "publised"}, "did you mean 'published'"),
        ({"val_split": "val"}, "unknown split 'val'"),
    ],
)
def test_wrong_settings_are_said(root, settings, says):
    with pytest.raises(UserError) as caught:
        DepthDataModule(**{"reader": "nyuv2", "root": root, **settings})
    assert says in str(caught.value)


def test_recipes_settings_fit_the_class():
    settings = {
        "reader": "mim_bench.datamodules.readers.nyuv2.NYUv2",
        "batch_size": 24,
        "num_workers": 4,
        "scale": 0.2,
        "crop": [96, 96],
        "cut_depth": False,  # what YAML makes of off
        "train_split": "train",
        "eval_batch_size": 4,
    }
    assert check_arguments(DepthDataModule, settings, "data", GIVEN_TO_DATA) == []
    (problem,) = check_arguments(DepthDataModule, {"cut_depth": "cleam"}, "data", GIVEN_TO_DATA)
    assert "published" in problem.what


class Plain(BenchDataModule):
    """The least that a datamodule is."""

    reader_class = NoDepth
    list_keys = frozenset({"boxes"})


def test_a_datamodule_of_ones_own(tmp_path):
    batch = next(iter(Plain(root=tmp_path).train_dataloader()))
    assert batch["id"] == ["a"]
    assert torch.equal(batch["label"], torch.tensor([3]))
    assert isinstance(batch["boxes"], list)
    with pytest.raises(UserError, match="has no reader"):
        BenchDataModule(root=tmp_path)


def test_real_photographs(real_data):
    datamodule = DepthDataModule("nyuv2", real_data, batch_size=2)
    (batch,) = epoch(datamodule)
    assert batch["image"].shape == (2, 3, 480, 480)
    frame = next(iter(datamodule.val_dataloader()))
    assert frame["image"].shape == (1, 3, 480, 640)
    assert 0.9 < float(frame["valid"].float().mean()) < 0.95
