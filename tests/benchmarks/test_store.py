"""Store, claims and records: found again, held by one, going on where a kill left them."""

from __future__ import annotations

import errno
import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from mim_bench.benchmarks import claims
from mim_bench.benchmarks.records import Records
from mim_bench.benchmarks.store import Store
from mim_bench.errors import UserError


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def test_runs_are_found_by_prefix_and_folder(store):
    for name in ("abc1", "abd2"):
        store.folder("nyuv2", "vit", name).update(state="planned")
    assert store.find("abc").id == "abc1"
    assert store.find(str(store.root / "nyuv2" / "vit" / "abd2")).id == "abd2"
    with pytest.raises(UserError, match="runs begin"):
        store.find("ab")
    with pytest.raises(UserError, match="no run 'x'"):
        store.find("x")


def test_scores_count_when_done_or_pending(store):
    folder = store.folder("nyuv2", "vit", "a")
    for state, counts in (("done", True), ("pending", True), ("failed", False)):
        folder.write_score(state, "1", {"state": state, "value": None})
        assert folder.has_score(state, "1") is counts
    assert not folder.has_score("done", "2")


def test_an_unwritable_store_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="no folder"):
        Store(tmp_path / "file").prepare()
    with pytest.raises(UserError, match="can't be written"):
        Store(tmp_path / "file" / "inner").prepare()


def test_a_store_of_a_newer_version_is_refused(store):
    folder = store.folder("nyuv2", "vit", "a")
    folder.path.mkdir(parents=True)
    (folder.path / "run.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(UserError, match="newer mim-bench"):
        folder.read()


def test_a_claim_holds_until_it_is_released(tmp_path):
    claim = claims.Claim.acquire(tmp_path)
    assert claim is not None
    assert claims.Claim.acquire(tmp_path) is None
    claim.release()
    assert claims.Claim.acquire(tmp_path) is not None


def test_a_dead_process_loses_its_claim(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from mim_bench.benchmarks.claims import Claim;"
        "assert Claim.acquire(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    assert claims.Claim.acquire(tmp_path) is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert claims.Claim.acquire(tmp_path) is not None


@pytest.mark.parametrize(
    ("change", "alive"),
    [
        ({}, True),
        ({"started": 1.0}, False),  # the pid was given to another process since
        ({"boot": "another"}, False),
        ({"host": "elsewhere", "pid": 1, "boot": "x"}, True),  # can't be seen from here
    ],
)
def test_which_claims_live(tmp_path, change, alive):
    claims.Claim.acquire(tmp_path)
    assert claims.is_alive({**claims.holder(tmp_path), **change}) is alive


def _try(folder, start, won):
    while time.time() < start:
        pass
    if claims.Claim.acquire(folder):
        won.put(os.getpid())
        time.sleep(0.5)


def test_one_of_many_gets_a_dead_claim(tmp_path):
    claims.Claim.acquire(tmp_path)
    dead = {**claims.holder(tmp_path), "boot": "another"}
    (tmp_path / "claim.json").write_text(json.dumps(dead))
    context = multiprocessing.get_context("fork")
    won = context.Queue()
    start = time.time() + 0.3
    workers = [context.Process(target=_try, args=(tmp_path, start, won)) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert won.qsize() == 1


def test_records_survive_a_cut_line_and_add_up(tmp_path):
    records = Records(tmp_path / "records")
    first = records.writer()
    first.write([{"id": "a", "x": 1.0}, {"id": "b", "x": 2.0}])
    first.close()
    (shard,) = (tmp_path / "records").iterdir()
    shard.write_text(shard.read_text() + '{"id": "c", "x"')
    second = records.writer()
    second.write([{"id": "c", "x": 3.0}])
    second.close()
    assert {name: record["x"] for name, record in records.read().items()} == {
        "a": 1.0,
        "b": 2.0,
        "c": 3.0,
    }


def test_a_full_disk_while_testing_is_told(tmp_path):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    writer = Records(tmp_path).writer()
    writer._file.close()
    writer._file = Full()
    with pytest.raises(UserError, match="what was tested is kept"):
        writer.write([{"id": "a"}])
