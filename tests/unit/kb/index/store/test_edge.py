"""The embedded store's own promises: one process at a time, crashes, compaction."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from kb.errors import StoreError, StoreInUseError, StoreUnavailableError
from kb.index.store.edge import EdgeStore
from kb.index.store.schema import CollectionSchema, VectorSpace
from kb.protocols import Float32Array, Point, VectorName, VectorQuery
from kb.types import Kind, Modality

# 2,500 of them are 2.5 MB: over the threshold from which a compaction builds a graph.
DIM = 256
N_POINTS = 2_500
SCHEMA = CollectionSchema(
    dense=VectorSpace(DIM, "text-encoder@1"),
    picture=None,
    hnsw_m=8,
    hnsw_ef_construct=32,
    hnsw_ef=64,
    quantization="none",
)
INT8_SCHEMA = CollectionSchema(
    dense=SCHEMA.dense,
    picture=None,
    hnsw_m=8,
    hnsw_ef_construct=32,
    hnsw_ef=64,
    quantization="int8",
)

# What a subprocess starts with: it makes points as `point` below does.
PREAMBLE = """
    import sys
    from pathlib import Path
    import numpy as np
    from kb.protocols import Point
    from kb.index.store.edge import EdgeStore
    from kb.index.store.schema import CollectionSchema, VectorSpace
    from kb.types import Kind, Modality
    import uuid

    SCHEMA = CollectionSchema(VectorSpace(256, "text-encoder@1"), None, 8, 32, 64, "none")

    def point(number):
        vector = np.random.default_rng(number).standard_normal(256).astype(np.float32)
        id = str(uuid.UUID(int=number))
        return Point(id, "d", Modality.TEXT, Kind.PDF, dense=vector)

    def say(text):
        print(text, flush=True)

    store = EdgeStore.open(Path(sys.argv[1]), SCHEMA)
"""


def uid(number: int) -> str:
    return str(uuid.UUID(int=number))


def vector(number: int) -> Float32Array:
    return np.random.default_rng(number).standard_normal(DIM).astype(np.float32)


def point(number: int) -> Point:
    return Point(uid(number), "d", Modality.TEXT, Kind.PDF, dense=vector(number))


def query(number: int, limit: int = 1, exact: bool = False) -> VectorQuery:
    return VectorQuery(VectorName.DENSE, vector(number), limit, exact)


def nearest(store: EdgeStore, number: int) -> str:
    ((hit,),) = store.search([query(number)])
    return hit.id


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home with 空格" / "qdrant"


@pytest.fixture
def store(path: Path) -> Iterator[EdgeStore]:
    store = EdgeStore.open(path, SCHEMA)
    yield store
    store.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with `N_POINTS` points and no graph, to be copied."""
    path = tmp_path_factory.mktemp("filled") / "qdrant"
    store = EdgeStore.open(path, SCHEMA)
    store.upsert([point(i) for i in range(N_POINTS)])
    store.close()
    return path


@pytest.fixture
def large(filled: Path, path: Path) -> Iterator[EdgeStore]:
    shutil.copytree(filled, path)
    store = EdgeStore.open(path, SCHEMA)
    yield store
    store.close()


@pytest.fixture
def run_script(path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts Python on `PREAMBLE` and a body, in a process group of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(body: str) -> subprocess.Popen[str]:
        script = textwrap.dedent(PREAMBLE) + textwrap.dedent(body)
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_points_are_there_after_closing_and_opening(path: Path) -> None:
    first = EdgeStore.open(path, SCHEMA)
    first.upsert([point(i) for i in range(10)])
    first.delete([uid(3)])
    first.close()
    second = EdgeStore.open(path, SCHEMA)
    assert sorted(second.ids()) == [uid(i) for i in range(10) if i != 3]
    assert nearest(second, 7) == uid(7)
    second.close()


def test_a_closed_store_says_so(store: EdgeStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        store.search([query(1)])
    assert store.compact() is False


def test_a_second_process_is_told_who_has_it_open(
    path: Path, run_script: Callable[[str], subprocess.Popen[str]]
) -> None:
    other = run_script("say('open'); input()")
    assert next_line(other) == "open"
    with pytest.raises(StoreInUseError, match=rf"process: {other.pid} .*stop it") as caught:
        EdgeStore.open(path, SCHEMA)
    assert caught.value.collection == str(path)
    with pytest.raises(StoreInUseError):
        EdgeStore.discard(path)


def test_it_is_open_once_within_a_process_too(store: EdgeStore, path: Path) -> None:
    with pytest.raises(StoreInUseError):
        EdgeStore.open(path, SCHEMA)
    store.upsert([point(1)])
    assert nearest(store, 1) == uid(1)


def test_discard_leaves_an_empty_store(path: Path) -> None:
    first = EdgeStore.open(path, SCHEMA)
    first.upsert([point(1)])
    first.close()
    EdgeStore.discard(path)
    second = EdgeStore.open(path, SCHEMA)
    assert list(second.ids()) == []
    second.close()


def test_a_killed_writer_loses_no_acknowledged_point(
    path: Path, run_script: Callable[[str], subprocess.Popen[str]]
) -> None:
    writer = run_script(
        """
        for start in range(0, 10**9, 10):
            store.upsert([point(i) for i in range(start, start + 10)])
            store.delete([point(start).id])
            say(start)
        """
    )
    n_batches = 30
    for _ in range(n_batches):
        last = int(next_line(writer))
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    store = EdgeStore.open(path, SCHEMA)
    expected = {uid(i) for i in range(last + 10) if i % 10}
    found = set(store.ids())
    assert expected <= found
    # What was deleted stays deleted; at most the batch that was under way came on top.
    assert not {uid(i) for i in range(0, last + 10, 10)} & found
    assert nearest(store, last + 5) == uid(last + 5)
    store.close()


def test_a_dead_engine_is_started_again(store: EdgeStore) -> None:
    store.upsert([point(i) for i in range(100)])
    psutil.Process(store.pid).kill()
    # The death is noticed by the request under way, which fails, or before the next.
    with suppress(StoreError):
        store.stats()
    assert sorted(store.ids()) == [uid(i) for i in range(100)]
    assert nearest(store, 42) == uid(42)
    store.upsert([point(100)])
    assert nearest(store, 100) == uid(100)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
def test_an_engine_that_crashes_says_where_it_was(
    store: EdgeStore, caplog: pytest.LogCaptureFixture
) -> None:
    # Stopped first, so that the request is under way when it crashes.
    engine = psutil.Process(store.pid)
    engine.suspend()
    engine.send_signal(signal.SIGABRT)
    threading.Timer(0.3, engine.resume).start()
    with pytest.raises(StoreError, match="by SIGABRT; it said: Fatal Python error: Aborted"):
        store.stats()
    assert "kb/index/store/worker.py" in caplog.text
    assert store.stats().n_points == 0


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
def test_an_engine_that_hangs_is_stopped_and_started_again(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert([point(1)])
    monkeypatch.setattr("kb.index.store.process._ANSWER_TIMEOUT_S", 0.3)
    psutil.Process(store.pid).suspend()
    with pytest.raises(StoreError, match=r"did not answer within 0\.3 s"):
        store.stats()
    monkeypatch.undo()
    assert list(store.ids()) == [uid(1)]


def test_an_interrupted_request_is_not_answered_by_the_next(store: EdgeStore) -> None:
    n_points = 100
    store.upsert([point(i) for i in range(n_points)])

    def interrupt() -> None:
        time.sleep(0.2)
        signal.raise_signal(signal.SIGINT)

    def search_for_ever() -> None:
        while True:
            nearest(store, 1)

    # Other tests of the same process may have left another handler.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            search_for_ever()
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert [nearest(store, i) for i in range(n_points)] == [uid(i) for i in range(n_points)]


def test_an_engine_dies_with_its_parent(
    path: Path, run_script: Callable[[str], subprocess.Popen[str]]
) -> None:
    parent = run_script("say(store.pid); input()")
    engine = psutil.Process(int(next_line(parent)))
    parent.kill()
    parent.wait()
    psutil.wait_procs([engine], timeout=60)
    assert not engine.is_running()


def test_compaction_builds_a_graph_and_keeps_every_point(large: EdgeStore, path: Path) -> None:
    assert large.stats().n_indexed == 0
    assert large.compact() is True
    stats = large.stats()
    assert stats.n_points == N_POINTS
    assert stats.n_indexed == N_POINTS
    assert sorted(large.ids()) == [uid(i) for i in range(N_POINTS)]
    assert nearest(large, 1234) == uid(1234)
    assert large.compact() is False
    assert len([entry for entry in path.iterdir() if entry.is_dir()]) == 1
    large.close()
    again = EdgeStore.open(path, SCHEMA)
    assert again.stats().n_indexed == N_POINTS
    assert again.compact() is False
    again.close()


def test_a_few_points_need_no_compaction(store: EdgeStore) -> None:
    store.upsert([point(i) for i in range(50)])
    assert store.compact() is False
    assert store.stats().n_points == 50


def test_searches_go_on_and_writes_are_kept_while_compacting(large: EdgeStore) -> None:
    ended = threading.Event()
    errors: list[Exception] = []
    wrong: list[int] = []
    n_searches = 0

    def search() -> None:
        nonlocal n_searches
        number = 0
        while not ended.is_set():
            number = (number + 37) % N_POINTS
            try:
                if nearest(large, number) != uid(number):
                    wrong.append(number)
            except Exception as error:
                errors.append(error)
            n_searches += 1

    def write() -> None:
        for number in range(N_POINTS, N_POINTS + 60, 20):
            try:
                large.upsert([point(i) for i in range(number, number + 20)])
                large.delete([uid(number)])
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=target) for target in (search, search, write)]
    for thread in threads:
        thread.start()
    assert large.compact() is True
    threads[2].join()
    n_before = n_searches
    while n_searches < n_before + 10:  # And afterwards, on the new shard.
        time.sleep(0.01)
    ended.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert wrong == []
    deleted = {uid(i) for i in range(N_POINTS, N_POINTS + 60, 20)}
    assert set(large.ids()) == {uid(i) for i in range(N_POINTS + 60)} - deleted


def test_closing_gives_a_compaction_up(filled: Path, path: Path) -> None:
    shutil.copytree(filled, path)
    store = EdgeStore.open(path, SCHEMA)
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(store.compact()))
    thread.start()
    while not (path / "shard-000002").exists() and thread.is_alive():
        time.sleep(0.001)
    store.close()
    thread.join()
    assert len(results) == 1
    again = EdgeStore.open(path, SCHEMA)
    assert again.stats().n_points == N_POINTS
    assert (again.stats().n_indexed == N_POINTS) is results[0]
    again.close()


@pytest.mark.parametrize("delay_s", [0.0, 0.3, 0.6, 1.0, 1.5])
def test_killed_while_compacting_it_opens_with_every_point(
    filled: Path,
    path: Path,
    run_script: Callable[[str], subprocess.Popen[str]],
    delay_s: float,
) -> None:
    shutil.copytree(filled, path)
    process = run_script("say('compacting'); store.compact(); say('done'); input()")
    assert next_line(process) == "compacting"
    time.sleep(delay_s)
    process.kill()
    process.wait()
    store = EdgeStore.open(path, SCHEMA)
    assert sorted(store.ids()) == [uid(i) for i in range(N_POINTS)]
    assert nearest(store, 77) == uid(77)
    store.upsert([point(N_POINTS)])
    assert nearest(store, N_POINTS) == uid(N_POINTS)
    store.close()


def test_leftovers_of_a_crash_are_cleaned_up(store: EdgeStore, path: Path) -> None:
    store.upsert([point(1)])
    store.close()
    shutil.copytree(path / "shard-000001", path / "shard-000002")
    (path / "meta.tmp").write_text("{", "utf-8")
    again = EdgeStore.open(path, SCHEMA)
    assert not (path / "shard-000002").exists()
    assert list(again.ids()) == [uid(1)]
    again.close()


def test_a_creation_that_did_not_end_is_begun_anew(path: Path) -> None:
    (path / "shard-000001" / "segments").mkdir(parents=True)
    store = EdgeStore.open(path, SCHEMA)
    store.upsert([point(1)])
    assert list(store.ids()) == [uid(1)]
    store.close()


def test_int8_is_applied_by_the_next_compaction_and_scores_stay_exact(
    filled: Path, path: Path
) -> None:
    shutil.copytree(filled, path)
    store = EdgeStore.open(path, INT8_SCHEMA)
    assert store.compact() is True
    assert list((path / "shard-000002").rglob("quantized*"))
    approximate, exact = store.search([query(5, 10), query(5, 10, exact=True)])
    unit = vector(5) / np.linalg.norm(vector(5))
    for hit in (*approximate, *exact):
        other = vector(uuid.UUID(hit.id).int)
        assert hit.score == pytest.approx(float(unit @ other / np.linalg.norm(other)), abs=1e-4)
    assert approximate[0].id == uid(5)
    store.close()


def _garble_segments(shard: Path) -> None:
    for file in shard.glob("segments/*/segment.json"):
        file.write_bytes(b"\x00garbage")


def _remove_shard(shard: Path) -> None:
    shutil.rmtree(shard)


def _garble_meta(shard: Path) -> None:
    (shard.parent / "meta.json").write_text('{"identity": 7}', "utf-8")


@pytest.mark.parametrize("damage", [_garble_segments, _remove_shard, _garble_meta])
def test_a_damaged_store_says_how_to_rebuild(
    store: EdgeStore, path: Path, damage: Callable[[Path], None]
) -> None:
    store.upsert([point(1)])
    store.close()
    damage(path / "shard-000001")
    with pytest.raises(StoreUnavailableError, match="kb sync --rebuild"):
        EdgeStore.open(path, SCHEMA)
    EdgeStore.discard(path)
    again = EdgeStore.open(path, SCHEMA)
    assert list(again.ids()) == []
    again.close()


def test_a_full_disk_is_told_before_anything_is_written(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert([point(1)])
    total, used, _ = shutil.disk_usage(Path.cwd())
    usage = type(shutil.disk_usage(Path.cwd()))(total, used, 5 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreError, match=r"5 MiB free.*Nothing was written"):
        store.upsert([point(2)])
    with pytest.raises(StoreError, match="Free some space"):
        store.compact()
    monkeypatch.undo()
    assert list(store.ids()) == [uid(1)]
    store.upsert([point(2)])
    assert nearest(store, 2) == uid(2)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom modes bind")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnavailableError, match="can't be written"):
        EdgeStore.open(tmp_path / "qdrant", SCHEMA)
    tmp_path.chmod(0o700)


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "qdrant").write_text("", "utf-8")
    with pytest.raises(StoreUnavailableError, match="can't be written"):
        EdgeStore.open(tmp_path / "qdrant", SCHEMA)


def test_searches_of_several_threads_do_not_mix(store: EdgeStore) -> None:
    n_points = 200
    store.upsert([point(i) for i in range(n_points)])
    wrong: list[int] = []

    def search(first: int) -> None:
        numbers = range(first, n_points, 4)
        wrong.extend(number for number in numbers if nearest(store, number) != uid(number))

    threads = [threading.Thread(target=search, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
