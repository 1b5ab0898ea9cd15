"""Names, weights, identities of backbones, and that nothing of it imports torch."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys

import pytest

from mim_bench.backbones import hashes
from mim_bench.backbones import hub as hub_module
from mim_bench.backbones.catalogue import DEFAULT_BACKBONES, catalogue
from mim_bench.backbones.names import timm_names, timm_version
from mim_bench.backbones.spec import BackboneSpec, check_name
from mim_bench.errors import UserError


def test_parse():
    assert BackboneSpec.parse("resnet50") == BackboneSpec("resnet50")
    assert BackboneSpec.parse(" resnet50=pretrained ").weights == "pretrained"
    spec = BackboneSpec.parse("swinv2_base/1k-mim=a=b.pth", "mine")
    assert (spec.name, spec.weights, spec.label) == ("swinv2_base/1k-mim", "a=b.pth", "mine")
    for text in ("", "=x.pth", "resnet50=", "  "):
        with pytest.raises(UserError, match="names no backbone"):
            BackboneSpec.parse(text)


def test_unknown_and_ill_typed_options_are_refused_together():
    with pytest.raises(UserError) as caught:
        BackboneSpec("resnet50", options={"alow_missing": True, "allow_missing": "yes"})
    text = str(caught.value)
    assert "did you mean 'allow_missing'?" in text
    assert "allow_missing is 'yes'" in text


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("swinv2_base_window12_192", "base"),
        ("swinv2_base/1k-mim", "base"),
        ("convnext_xlarge.fb_in22k", "xlarge"),
        ("vit_large_patch16_224", "large"),
        ("vit_mini", "mini"),
        ("swinv2_huge", "huge"),
        ("swin_s3_tiny_224", "tiny"),
        ("resnet50", "default"),
        ("baseline_net", "default"),
    ],
)
def test_size(name, size):
    assert BackboneSpec(name).size == size


def test_slug_and_title_and_identity(tmp_path):
    plain = BackboneSpec("swinv2_base/1k-mim")
    assert plain.slug == "swinv2_base-1k-mim"
    assert plain.title == "swinv2_base/1k-mim (random)"
    assert plain.identity() == {"name": "swinv2_base/1k-mim", "weights": None, "options": {}}

    file = tmp_path / "my.pth"
    file.write_bytes(b"weights")
    sha = hashlib.sha256(b"weights").hexdigest()
    spec = BackboneSpec("resnet50", str(file), options={"allow_missing": False})
    assert spec.slug == f"resnet50-{sha[:8]}"
    assert spec.title == "resnet50=my.pth"
    assert spec.identity() == {"name": "resnet50", "weights": sha, "options": {}}

    moved = tmp_path / "other.pth"
    moved.write_bytes(b"weights")
    assert BackboneSpec("resnet50", str(moved), "label").identity() == spec.identity()
    missing = BackboneSpec("resnet50", str(file), options={"allow_missing": True})
    assert missing.identity() != spec.identity()
    assert BackboneSpec("resnet50", str(file), "Mine").title == "Mine"

    timm = BackboneSpec("resnet50.a1_in1k", "pretrained")
    assert timm.title == "resnet50.a1_in1k (pretrained)"
    assert timm.identity()["weights"] == f"timm:a1_in1k@{timm_version()}"
    assert timm.slug.startswith("resnet50.a1_in1k-")
    assert timm.slug != BackboneSpec("resnet50.a1_in1k").slug


def test_slug_stays_inside_its_folder():
    for name in ("../../etc", "/abs/path", "a b\\c:d"):
        assert not set(BackboneSpec(name).slug) & set("/\\: ")
        assert not BackboneSpec(name).slug.startswith(".")


def test_dictionary_round_trip():
    spec = BackboneSpec("resnet50", "x.pth", "mine", {"allow_missing": True})
    assert BackboneSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert BackboneSpec.from_dict({"name": "resnet50"}) == BackboneSpec("resnet50")
    assert hash(spec) == hash(BackboneSpec.from_dict(spec.to_dict()))
    with pytest.raises(UserError, match="did you mean 'weights'"):
        BackboneSpec.from_dict({"name": "resnet50", "weight": "x"})
    with pytest.raises(UserError, match="no name"):
        BackboneSpec.from_dict({"weights": "x"})


def test_hash_is_kept_until_the_file_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "cache"))
    calls = []

    def counted(path):
        calls.append(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr(hashes, "sha256_file", counted)
    file = tmp_path / "w.pth"
    file.write_bytes(b"one")
    first = hashes.weights_hash(file)
    assert hashes.weights_hash(file) == first
    assert len(calls) == 1
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert hashes.weights_hash(file) == hashlib.sha256(b"two").hexdigest()
    # a cache that is broken, or can't be written, costs time and nothing else
    (tmp_path / "cache" / "hashes.json").write_text("{")
    assert hashes.weights_hash(file) == hashlib.sha256(b"two").hexdigest()
    monkeypatch.setenv("MIM_BENCH_CACHE", str(file / "below"))
    assert hashes.weights_hash(file) == hashlib.sha256(b"two").hexdigest()


def test_missing_weights_are_a_user_error(tmp_path):
    spec = BackboneSpec("resnet50", str(tmp_path / "no.pth"))
    with pytest.raises(UserError, match=r"no\.pth"):
        spec.weights_sha256()
    assert "no weights file" in str(spec.check()[0])


def test_check_name():
    for good in ("resnet50", "resnet50.a1_in1k", "vit_mini", "resnet50=pretrained"):
        assert check_name(good) == []
    assert "did you mean 'swinv2_mini'?" in str(check_name("swinv2_mni")[0])
    assert "did you mean 'resnet50'?" in str(check_name("resnt50")[0])
    assert len(check_name("resnt50=no-such-file.pth")) == 2
    assert len(check_name("")) == 1


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub of one repository, with one revision and a branch; nothing of it is on the disk yet."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    calls, commits = [], {None: "1" * 40, "v2": "2" * 40}

    def download(repository, filename, revision=None):
        calls.append((repository, filename, revision))
        if repository != "org/model":
            logging.getLogger("huggingface_hub.utils").warning("Retrying in 1s")
            raise LocalEntryNotFoundError("no connection\nand more")
        folder = tmp_path / "snapshots" / commits.get(revision, revision)
        folder.mkdir(parents=True, exist_ok=True)
        content = {"architecture": "swin_tiny_patch4_window7_224", "pretrained_cfg": {}}
        (folder / filename).write_text(json.dumps(content))
        return str(folder / filename)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    hub_module.hub_model.cache_clear()
    yield calls
    hub_module.hub_model.cache_clear()


def test_repositories_of_the_hub(hub):
    for name in ("hf-hub:org/model", "hf_hub:org/model", "hf-hub:org/model@v2"):
        assert check_name(name) == check_name(f"{name}=pretrained") == []
        assert not set(BackboneSpec(name).slug) & set("/\\:@ ")
    assert BackboneSpec("hf_hub:org/model") == BackboneSpec("hf-hub:org/model")
    assert hub == [], "a check needs no network"
    assert "org/model" in str(check_name("hf-hub:org/model/file")[0])
    assert len(check_name("hf-hub:")) == 1
    assert BackboneSpec("hf-hub:timm/vit_base_patch16_224.x").size == "base"

    random, loaded = (
        BackboneSpec("hf-hub:org/model"),
        BackboneSpec("hf-hub:org/model", "pretrained"),
    )
    commit = f"hf-hub:org/model@{'1' * 40}"
    assert loaded.identity()["weights"] == commit
    assert random.identity()["revision"] == commit
    assert random.identity()["weights"] is None
    assert loaded.slug.startswith("hf-hub-org-model-")
    other = BackboneSpec("hf-hub:org/model@v2", "pretrained")
    assert other.identity()["weights"] == f"hf-hub:org/model@{'2' * 40}"
    assert "revision" not in BackboneSpec("resnet50").identity()


def test_what_is_loaded_from_the_hub_is_what_was_identified(hub):
    """timm is asked for the commit, and the architecture's own windows are set."""
    from mim_bench.backbones import network

    spec = BackboneSpec("hf-hub:org/model", "pretrained")
    assert network.architecture(spec) == (spec.identity()["weights"], {})
    assert network.is_windowed(spec)


def test_without_a_network_the_hub_is_one_clear_error(hub, caplog):
    from mim_bench.backbones.build import build_backbone

    for weights in ("pretrained", None):
        spec = BackboneSpec("hf-hub:org/other", weights)
        for ask in (spec.identity, lambda spec=spec: build_backbone(spec, [(64, 64)])):
            with pytest.raises(UserError, match="can't be had from the Hugging Face Hub") as error:
                ask()
            assert len(error.value.problems) == 1
            assert "NAME=FILE" in str(error.value)
            assert "and more" not in str(error.value)
    assert caplog.text == ""


def test_names_are_those_timm_registers(tmp_path, monkeypatch):
    import timm

    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path))
    scanned = timm_names()
    assert scanned == sorted(timm.list_models())
    assert (tmp_path / f"timm-names-{timm_version()}.json").is_file()
    assert timm_names() == scanned


def test_catalogue_and_default_rows():
    assert DEFAULT_BACKBONES == ("convnext_mini", "swinv2_mini", "vit_mini")
    for name in DEFAULT_BACKBONES:
        assert catalogue()[name].size == "mini"
        assert catalogue()[name].architecture in timm_names()
        assert catalogue()[name].params <= 1_000_000


def test_names_and_specs_need_no_torch(tmp_path):
    code = f"""
import sys
import mim_bench.backbones as backbones
from mim_bench.backbones import BackboneSpec, check_name, timm_names, DEFAULT_BACKBONES
spec = BackboneSpec.parse("resnet50={tmp_path / "w.pth"}")
assert not check_name("vit_mini") and not check_name("hf-hub:org/model")
assert len(timm_names()) > 1000
spec.slug, spec.title, spec.size, spec.identity(), spec.check(), backbones.catalogue
heavy = {{"torch", "timm", "torchvision", "lightning", "albumentations", "numpy"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    (tmp_path / "w.pth").write_bytes(b"w")
    environment = {**os.environ, "MIM_BENCH_CACHE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
