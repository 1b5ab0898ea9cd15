"""The catalogue's entries are what timm builds, and say where their weights are."""

from __future__ import annotations

import pytest
import timm
import torch

from mim_bench.backbones.catalogue import catalogue
from mim_bench.backbones.spec import BackboneSpec

REAL = [name for name, entry in catalogue().items() if entry.file]


@pytest.mark.parametrize("name", REAL)
def test_an_entry_is_what_timm_builds(name):
    entry = catalogue()[name]
    with torch.device("meta"):
        net = timm.create_model(entry.architecture, num_classes=0, **entry.arguments)
    assert sum(param.numel() for param in net.parameters()) == entry.params
    if entry.window:
        attentions = [stage.blocks[0].attn for stage in net.layers]
        declared = [max(attn.pretrained_window_size) or attn.window_size[0] for attn in attentions]
        assert tuple(declared) == entry.window


@pytest.mark.parametrize("name", REAL)
def test_a_missing_file_is_told_with_its_source(name, monkeypatch, tmp_path):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path))
    entry = catalogue()[name]
    assert len(entry.mean) == len(entry.std) == 3
    assert entry.licence
    spec = BackboneSpec.parse(f"{name}=pretrained")
    (problem,) = spec.check()
    assert entry.source in problem.action
    assert str(entry.weights_file) in problem.action
    entry.weights_file.parent.mkdir()
    entry.weights_file.write_bytes(b"x")
    assert BackboneSpec.parse(f"{name}=pretrained").check() == []
