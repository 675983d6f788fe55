"""Going over to another model while the former one's vectors answer."""

from __future__ import annotations

import json
import shutil
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image

from ingest.progress import Progress
from ingest.sync import Syncer
from kb.build import open_knowledge_base, reembed_library
from kb.config import Home
from kb.config.loading import load_config
from kb.device.precision import weights_bytes
from kb.errors import IndexMismatchError
from kb.index.ledger import Ledger
from kb.index.ledger.records import DocumentStatus
from kb.reembed import ReembedProgress
from kb.types import Query
from ui.cli.commands import main
from ui.service.service import Service

N_FILES = 150


@pytest.fixture
def home(tmp_path: Path, tiny_qwen3_vl: Path) -> Home:
    home = Home(tmp_path / "home")
    home.library.mkdir(parents=True)
    for n in range(N_FILES):
        (home.library / f"{n}.txt").write_text(f"Fact {n}: lamp number {n} is amber.", "utf-8")
    tiny = {"kind": "qwen3-vl", "model": str(tiny_qwen3_vl), "device": "cpu"}
    home.config.write_text(
        yaml.safe_dump({"profile": "starter", "ingest": {"workers": 1}}), encoding="utf-8"
    )
    (home.path / "tiny.json").write_text(json.dumps({"encoder": tiny}), "utf-8")
    kb = open_knowledge_base(home, load_config(home))
    Syncer(kb).sync()
    kb.close()
    return home


def new(home: Home, **encoder: object) -> dict[str, object]:
    overrides = json.loads((home.path / "tiny.json").read_text("utf-8"))
    overrides["encoder"] |= encoder
    return overrides  # type: ignore[no-any-return]


def found(home: Home, overrides: dict[str, object] | None = None) -> str:
    kb = open_knowledge_base(home, load_config(home, overrides=overrides))
    try:
        return kb.search(Query("lamp number 7")).hits[0].source
    finally:
        kb.close()


def no_one(_progress: ReembedProgress) -> None:
    pass


def test_the_former_vectors_answer_until_the_new_ones_are_whole(home: Home) -> None:
    config = load_config(home, overrides=new(home))
    with pytest.raises(IndexMismatchError, match=r"kb sync --profile starter --reembed.*set them"):
        open_knowledge_base(home, config)
    former = open_knowledge_base(home, load_config(home))
    try:
        seen: list[str] = []

        def listen(progress: ReembedProgress) -> None:
            if progress.n_done < progress.n_total:
                seen.append(former.search(Query("lamp number 7")).hits[0].source)

        progress = reembed_library(home, config, listen, threading.Event())
    finally:
        former.close()
    assert progress == ReembedProgress(N_FILES, N_FILES)
    assert len(seen) == 2
    assert set(seen) == {"7.txt"}
    assert found(home, new(home)) == "7.txt"
    with pytest.raises(IndexMismatchError):
        found(home)


def test_a_run_that_ends_early_is_gone_on_with(home: Home) -> None:
    config = load_config(home, overrides=new(home))
    stop = threading.Event()
    counts: list[int] = []

    def end_after_one(progress: ReembedProgress) -> None:
        counts.append(progress.n_done)
        if progress.n_done:
            stop.set()

    first = reembed_library(home, config, end_after_one, stop)
    assert 0 < first.n_done < first.n_total == N_FILES
    assert found(home) == "7.txt"  # by the former vectors
    again: list[int] = []
    second = reembed_library(home, config, lambda p: again.append(p.n_done), threading.Event())
    assert again[0] == first.n_done
    assert second == ReembedProgress(N_FILES, N_FILES)
    assert found(home, new(home)) == "7.txt"


def test_documents_that_came_and_went_meanwhile_are_followed(home: Home) -> None:
    config = load_config(home, overrides=new(home))

    def change(progress: ReembedProgress) -> None:
        if progress.n_done == N_FILES:
            return
        (home.library / "new.txt").write_text("The zebra crossing is blue.", "utf-8")
        (home.library / "7.txt").unlink(missing_ok=True)
        former = open_knowledge_base(home, load_config(home))
        Syncer(former).sync()
        former.close()

    reembed_library(home, config, change, threading.Event())
    kb = open_knowledge_base(home, config)
    try:
        assert kb.search(Query("zebra crossing")).hits[0].source == "new.txt"
        assert "7.txt" not in {hit.source for hit in kb.search(Query("lamp number 7"), 50).hits}
        assert kb.examine().is_sound
    finally:
        kb.close()


def test_what_has_the_former_vectors_open_writes_nothing_after_the_swap(home: Home) -> None:
    config = load_config(home, overrides=new(home))
    former = open_knowledge_base(home, load_config(home))
    try:
        reembed_library(home, config, no_one, threading.Event())
        assert not former.is_current()
        (home.library / "7.txt").write_text("A late giraffe.", "utf-8")
        (home.library / "8.txt").unlink()
        with pytest.raises(IndexMismatchError, match="sync again"):
            Syncer(former).sync()
        with pytest.raises(IndexMismatchError, match="Nothing was written"):
            former.forget_paths([(str(home.library), "8.txt")])
        assert former.search(Query("lamp number 7")).hits[0].source == "7.txt"
    finally:
        former.close()
    kb = open_knowledge_base(home, config)
    try:
        assert kb.examine().is_sound
        Syncer(kb).sync()
        assert kb.examine().is_sound
        assert kb.search(Query("giraffe")).hits[0].source == "7.txt"
    finally:
        kb.close()


def test_a_sync_that_the_swap_comes_upon_writes_nothing_more(home: Home) -> None:
    config = load_config(home, overrides=new(home))
    (home.library / "7.txt").write_text("A late giraffe.", "utf-8")
    former = open_knowledge_base(home, load_config(home))

    def swap_while_reading(progress: Progress) -> None:
        if progress.stage == "read" and former.is_current():
            reembed_library(home, config, no_one, threading.Event())

    try:
        with pytest.raises(IndexMismatchError):
            Syncer(former, swap_while_reading).sync()
    finally:
        former.close()
    kb = open_knowledge_base(home, config)
    try:
        assert kb.examine().is_sound
        Syncer(kb).sync()
        assert kb.examine().is_sound
        assert kb.search(Query("giraffe")).hits[0].source == "7.txt"
    finally:
        kb.close()


def test_orphans_hide_no_missing_chunk_after_a_swap(home: Home) -> None:
    """As a program of a former version leaves them, which goes on writing."""
    config = load_config(home, overrides=new(home))
    reembed_library(home, config, no_one, threading.Event())
    ledger = Ledger(home.ledger)
    record = next(one for one in ledger.records() if one.document.sources[0][1] == "7.txt")
    (chunk,) = ledger.chunks_of(record.document.sha256)
    edited = replace(chunk, id=str(uuid.uuid4()), text="A late giraffe.")
    stale = ledger.commit([(record, [edited], [])])
    ledger.settle(stale.point_ids)
    ledger.close()
    kb = open_knowledge_base(home, config)
    try:
        found = kb.examine()
        assert (found.orphan_points, found.missing_points) == ((chunk.id,), (edited.id,))
        kb.recover()
        assert kb.examine().is_sound
        assert kb.search(Query("giraffe")).hits[0].chunk.id == edited.id
    finally:
        kb.close()


def test_ids_are_compared_once_after_a_swap_and_the_former_vectors_go(home: Home) -> None:
    config = load_config(home, overrides=new(home))
    former = open_knowledge_base(home, load_config(home))
    reembed_library(home, config, no_one, threading.Event())
    state = home.index / "vectors.json"
    assert json.loads(state.read_text("utf-8"))["others"] == [""]
    assert (home.shard / "meta.json").exists()
    former.close()
    kb = open_knowledge_base(home, config)
    try:
        assert json.loads(state.read_text("utf-8"))["is_checked"] is False
        kb.recover()
        told = json.loads(state.read_text("utf-8"))
        assert (told["is_checked"], told["others"]) == (True, [])
        assert not (home.shard / "meta.json").exists()
    finally:
        kb.close()


def test_a_running_server_takes_the_new_vectors_over(home: Home, tiny_qwen3_vl: Path) -> None:
    service = Service(home, load_config(home))
    service.start()
    asking = threading.Event()
    sources: list[str] = []

    def ask() -> None:
        while not asking.is_set():
            sources.append(service.search(Query("lamp number 7")).hits[0].source)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        tiny = {"kind": "qwen3-vl", "model": str(tiny_qwen3_vl), "device": "cpu"}
        own = {"profile": "starter", "ingest": {"workers": 1}, "encoder": tiny}
        home.config.write_text(yaml.safe_dump(own), "utf-8")
        reembed_library(home, load_config(home), no_one, threading.Event())
        (home.library / "late.txt").write_text("A late giraffe.", "utf-8")
        (home.library / "8.txt").write_text("A late okapi.", "utf-8")
        end_s = time.monotonic() + 60
        while (
            service.kb.ledger.paths().keys()
            != {(str(home.library), path.name) for path in home.library.iterdir()}
            or service.config.encoder.kind != "qwen3-vl"
        ):
            assert time.monotonic() < end_s
            time.sleep(0.05)
        service.sync()
        assert service.status().encoder == str(tiny_qwen3_vl)
        assert service.search(Query("giraffe")).hits[0].source == "late.txt"
        assert service.kb.examine().is_sound
        assert service.kb.is_current()
    finally:
        asking.set()
        asker.join()
        service.close()
    assert set(sources) == {"7.txt"}
    # The former store was released, and nothing of it is left.
    assert not (home.shard / "meta.json").exists()


def test_new_vectors_that_cant_be_opened_leave_the_former_ones_answering(home: Home) -> None:
    service = Service(home, load_config(home))
    try:
        # The file does not have the settings that the new vectors were made with.
        reembed_library(home, load_config(home, overrides=new(home)), no_one, threading.Event())
        with pytest.raises(IndexMismatchError):
            service.sync()
        assert service.search(Query("lamp number 7")).hits[0].source == "7.txt"
        assert not service.kb.is_current()
    finally:
        service.close()


def test_the_command_says_what_it_did(
    home: Home,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tiny_qwen3_vl: Path,
) -> None:
    encoder = {"kind": "qwen3-vl", "model": str(tiny_qwen3_vl), "device": "cpu"}
    home.config.write_text(yaml.safe_dump({"profile": "starter", "encoder": encoder}), "utf-8")
    command = ["kb", "sync", "--reembed", "--json", "--home", str(home.path)]
    monkeypatch.setattr("sys.argv", command)
    for n_chunks, words in ((N_FILES, "answer now"), (0, "nothing to do")):
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        told = capsys.readouterr()
        assert json.loads(told.out)["n_done"] == n_chunks
        assert json.loads(told.out)["is_whole"] is True
        assert words in told.err


def run(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["kb", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


@pytest.fixture
def whole(home: Home, tiny_qwen3_vl: Path) -> Home:
    """With the models of `qwen3-vl-2b` in place, and no profile in kb.yaml."""
    for name in ("Embedding-2B", "Reranker-2B", "2B-Instruct"):
        shutil.copytree(tiny_qwen3_vl, home.models / f"Qwen3-VL-{name}")
    sections = {name: {"device": "cpu"} for name in ("encoder", "reranker", "generator")}
    sections["encoder"]["dim"] = 64  # type: ignore[assignment]
    home.config.write_text(yaml.safe_dump({"ingest": {"workers": 1}}), "utf-8")
    (home.path / "qwen.yaml").write_text(yaml.safe_dump(sections), "utf-8")
    return home


def test_the_command_that_the_error_names_is_the_one_that_works(
    whole: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    whole.config.write_text((whole.path / "qwen.yaml").read_text("utf-8"), "utf-8")
    at = ("--home", str(whole.path))
    # The sections belong to the other profile: under `starter` they are refused.
    new_profile = ("--profile", "qwen3-vl-2b")
    assert run("status", *new_profile, *at) == 1
    told = capsys.readouterr().err
    assert "made with the profile starter" in told
    assert "`kb sync --profile qwen3-vl-2b --reembed`" in told
    assert "`--profile starter`" in told
    assert run("sync", *new_profile, "--reembed", *at) == 0
    assert "answer now" in capsys.readouterr().err
    # From now on it is the profile of the index.
    assert run("search", "lamp number 7", "--json", *at) == 0
    assert json.loads(capsys.readouterr().out)["results"]
    assert whole.profile.read_text("utf-8") == "qwen3-vl-2b\n"


def test_a_profile_in_the_file_that_says_otherwise_is_told_of(
    whole: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = yaml.safe_load((whole.path / "qwen.yaml").read_text("utf-8"))
    whole.config.write_text(yaml.safe_dump({"profile": "starter", **settings}), "utf-8")
    words = ("sync", "--profile", "qwen3-vl-2b", "--reembed", "--home", str(whole.path))
    assert run(*words) == 0
    assert "says `profile: starter`. Set it to qwen3-vl-2b" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--dry-run", "--rebuild", "--retry", "--forget=x", "folder"])
def test_what_reembedding_does_not_do_is_refused(
    option: str, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("sync", "--reembed", option, "--home", str(home.path)) == 2
    assert "takes no folders" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert found(home) == "7.txt"


def test_a_refused_chunk_is_told_of_and_tried_again_by_a_run_that_goes_on(home: Home) -> None:
    strip = Image.new("RGB", (6000, 20), "white")
    strip.save(home.library / "strip.png")
    kb = open_knowledge_base(
        home, load_config(home, overrides={"ingest": {"ocr": {"enabled": False}}})
    )
    Syncer(kb).sync()
    kb.close()
    config = load_config(home, overrides=new(home))
    stop = threading.Event()
    early = reembed_library(home, config, lambda p: stop.set() if p.n_done else None, stop)
    assert early.n_done < early.n_total
    progress = reembed_library(home, config, no_one, threading.Event())
    assert (progress.n_done, progress.n_refused) == (N_FILES + 1, 1)
    kb = open_knowledge_base(home, config)
    try:
        partial = [one for one in kb.ledger.records() if one.status is DocumentStatus.PARTIAL]
        assert len(partial) == 1
        assert "A part is found by words alone" in (partial[0].reason or "")
        assert "one side is 320 times the other" in (partial[0].reason or "")
        assert kb.examine().is_sound
    finally:
        kb.close()


def test_the_same_weights_elsewhere_are_the_same_encoder(home: Home, tiny_qwen3_vl: Path) -> None:
    reembed_library(home, load_config(home, overrides=new(home)), no_one, threading.Event())
    moved = home.path / "elsewhere"
    shutil.copytree(tiny_qwen3_vl, moved)
    assert found(home, new(home, model=str(moved))) == "7.txt"


def test_a_look_at_an_empty_library_settles_nothing(tmp_path: Path, tiny_qwen3_vl: Path) -> None:
    home = Home(tmp_path / "empty")
    home.library.mkdir(parents=True)
    assert run("status", "--home", str(home.path), "--json") == 0
    assert not home.profile.exists()
    tiny = {"encoder": {"kind": "qwen3-vl", "model": str(tiny_qwen3_vl), "device": "cpu"}}
    config = load_config(home, overrides=tiny)
    (home.library / "one.txt").write_text("A late giraffe.", "utf-8")
    kb = open_knowledge_base(home, config)
    Syncer(kb).sync()
    assert kb.search(Query("giraffe")).hits[0].source == "one.txt"
    kb.close()
    assert home.profile.read_text("utf-8") == "starter\n"


def test_status_tells_which_model_does_what(
    home: Home, tiny_qwen3_vl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = {"kind": "qwen3-vl", "model": str(tiny_qwen3_vl), "device": "cpu"}
    remote = {"kind": "remote", "url": "http://127.0.0.1:9", "model": "Qwen3-VL-8B-Instruct"}
    home.config.write_text(
        yaml.safe_dump({"reranker": tiny, "generator": remote, "store": {"quantization": "int8"}}),
        "utf-8",
    )
    assert run("status", "--json", "--home", str(home.path)) == 0
    told = json.loads(capsys.readouterr().out)
    encoder, reranker, generator = told["models"]
    assert encoder["name"].startswith("all-MiniLM-L6-v2")
    assert encoder["is_loaded"] is None
    assert encoder["size_bytes"] > 90_000_000
    assert reranker == {
        "role": "reranker",
        "name": str(tiny_qwen3_vl),
        "where": "the processor",
        "size_bytes": weights_bytes(tiny_qwen3_vl),
        "is_loaded": False,
    }
    assert generator["where"] == "http://127.0.0.1:9/v1"
    assert "int8" in told["store"]
    assert run("status", "--home", str(home.path)) == 0
    assert "loaded when it is needed" in " ".join(capsys.readouterr().out.split())


def test_a_model_that_is_in_memory_is_shown_so(home: Home, tiny_qwen3_vl: Path) -> None:
    tiny = {"kind": "qwen3-vl", "model": str(tiny_qwen3_vl), "device": "cpu"}
    kb = open_knowledge_base(home, load_config(home, overrides={"reranker": tiny}))
    try:
        assert [state.is_loaded for state in kb.model_states()] == [None, False, None]
        kb.search(Query("lamp number 7"))
        assert [state.is_loaded for state in kb.model_states()] == [None, True, None]
    finally:
        kb.close()
