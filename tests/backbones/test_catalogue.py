"""The catalogue's entries are what timm builds, and say where their weights are."""

from __future__ import annotations

import io
import re
from collections import Counter

import pytest
import timm
import torch
from rich.console import Console
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from mim_bench import reports
from mim_bench.backbones.catalogue import DEFAULT_BACKBONES, FORMATS, catalogue
from mim_bench.backbones.formats import HALF, IMAGENET
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.verbs.printing import print_rows

REAL = [name for name, entry in catalogue().items() if entry.file]
WORDS = ("tiny", "small", "base", "large")


def built(entry):
    """Build its network without memory."""
    with torch.device("meta"):
        return timm.create_model(entry.architecture, num_classes=0, **entry.arguments)


@pytest.mark.parametrize("name", REAL)
def test_an_entry_is_what_timm_builds(name):
    entry = catalogue()[name]
    net = built(entry)
    assert sum(param.numel() for param in net.parameters()) == entry.params
    assert bool(entry.window) == name.startswith("swin")
    if entry.window:
        assert windows(net) == entry.window
    if name.startswith("vit_"):
        heads = (
            12 if name == "vit_small/mocov3" else {"small": 6, "base": 12, "large": 16}[entry.size]
        )
        assert net.blocks[0].attn.num_heads == heads


def windows(net):
    """Return the windows that its attention is scaled by: declared, else its own."""
    attentions = [stage.blocks[0].attn for stage in net.layers]
    return tuple(
        max(getattr(attn, "pretrained_window_size", (0,))) or attn.window_size[0]
        for attn in attentions
    )


@pytest.mark.parametrize("name", REAL)
def test_an_entry_is_complete(name):
    entry = catalogue()[name]
    for key in ("title", "architecture", "pretraining", "file", "source", "licence", "note"):
        assert isinstance(getattr(entry, key), str)
        assert getattr(entry, key) or key == "note"
    assert entry.format in FORMATS
    assert type(entry.direct) is bool
    assert entry.source.startswith("https://")
    assert re.fullmatch(r"[\w.-]+\.(pth|tar)", entry.file)
    assert (entry.mean, entry.std) == (HALF if entry.format == "beit" else IMAGENET)
    assert all(type(value) is float for value in entry.mean + entry.std)
    assert entry.resolution in (192, 224, 256, 518)
    assert len(entry.window) in (0, 4)
    backbone, _, _ = name.partition("/")
    word = backbone.rpartition("_")[2]
    assert entry.size == (word if word in WORDS else "default")
    assert re.split("[_-]", entry.architecture.replace("beit", "vit").replace("deit", "vit"))[
        0
    ] in (
        backbone,
        backbone.partition("_")[0],
    )
    # a page is no address to download from, and what can't be checked is marked
    if entry.direct:
        published = entry.source.rpartition("/")[2]
        assert published == entry.file or published in entry.note
    else:
        assert "unverified" in entry.note


def test_imagenet_is_timms():
    assert IMAGENET == (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)


def test_files_and_titles_are_of_one_entry_each():
    # they share one folder
    for key in ("file", "source", "title"):
        counts = Counter(getattr(catalogue()[name], key) for name in REAL)
        assert {value for value, count in counts.items() if count > 1} == set()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("swinv2_base/1k-mim", (12, 12, 12, 6)),
        ("swinv2_small/1k-mim", (12, 12, 12, 6)),
        ("swinv2_large/22k-1k-sup", (12, 12, 12, 6)),
        ("swinv2_base/1k-sup", (16, 16, 16, 8)),
        ("swinv2_base/1k-sup-w8", (8, 8, 8, 8)),
        ("swin_base/1k-mim", (6, 6, 6, 6)),
        ("swin_large/1k-mim", (12, 12, 12, 6)),
        ("swin_base/22k-sup", (7, 7, 7, 7)),
    ],
)
def test_the_pretraining_windows_are_the_published_ones(name, expected):
    assert catalogue()[name].window == expected


@pytest.mark.parametrize(
    ("window", "size", "expected"),
    [
        (30, (480, 480), ((30, 30), (30, 30), (30, 30), (15, 15))),
        (22, (352, 352), ((22, 22), (22, 22), (22, 22), (11, 11))),
        (14, (224, 224), ((14, 14), (14, 14), (14, 14), (7, 7))),
        (14, (98, 225), ((14, 14), (13, 14), (7, 14), (4, 8))),
    ],
)
def test_windows_of_a_task_are_clamped_to_the_maps(window, size, expected):
    assert catalogue()["swinv2_base/1k-mim"].windows_at(window, size) == expected
    assert catalogue()["vit_base/mae"].windows_at(window, size) == ()


@pytest.mark.parametrize("window", [30, 16, 8])
def test_timm_has_the_same_windows(window):
    entry = catalogue()["swinv2_small/1k-mim"]
    arguments = {**entry.arguments, "img_size": (256, 480), "window_size": window}
    with torch.device("meta"):
        net = timm.create_model(entry.architecture, num_classes=0, **arguments)
    got = tuple(tuple(stage.blocks[0].attn.window_size) for stage in net.layers)
    assert entry.windows_at(window, (256, 480)) == got


@pytest.mark.parametrize("name", REAL)
def test_a_missing_file_is_told_with_its_source(name, monkeypatch, tmp_path):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path))
    entry = catalogue()[name]
    assert entry.weights_file == tmp_path / "weights" / entry.file
    assert entry.how_to_get.startswith("curl -L ") == entry.direct
    spec = BackboneSpec.parse(f"{name}=pretrained")
    (problem,) = spec.check()
    assert entry.source in problem.action
    assert str(entry.weights_file) in problem.action
    entry.weights_file.parent.mkdir()
    entry.weights_file.write_bytes(b"x")
    assert BackboneSpec.parse(f"{name}=pretrained").check() == []


def test_a_path_with_a_blank_can_be_pasted(monkeypatch, tmp_path):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "my cache"))
    entry = catalogue()["resnet50/dino"]
    assert f"-o '{entry.weights_file}' https://" in entry.how_to_get


def test_our_own_have_no_file():
    assert [name for name in catalogue() if name not in REAL] == list(DEFAULT_BACKBONES)


@pytest.mark.parametrize(
    ("width", "left_out"), [(100, ["architecture", "file"]), (150, ["architecture"]), (250, [])]
)
def test_a_narrow_terminal_gets_fewer_columns(width, left_out, monkeypatch):
    paper = io.StringIO()
    monkeypatch.setattr(reports, "open_console", lambda _: Console(file=paper, width=width))
    columns = ("name", "architecture", "pretraining", "file", "licence")
    rows = [{key: getattr(catalogue()[name], key) for key in columns} for name in REAL]
    assert print_rows(rows, columns, spare=("architecture", "file")) == left_out
    lines = paper.getvalue().splitlines()
    assert sum(line.lstrip().startswith(tuple(REAL)) for line in lines) == len(REAL)
    assert len([line for line in lines if line.strip()]) == len(REAL) + 2  # nothing is wrapped
