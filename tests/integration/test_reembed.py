"""Going over to another model while the former one's vectors answer."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import yaml

from ingest.sync import Syncer
from kb.build import open_knowledge_base, reembed_library
from kb.config import Home
from kb.config_file import load_config
from kb.errors import IndexMismatchError
from kb.reembed import ReembedProgress
from kb.types import Query
from ui.cli import main

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
    with pytest.raises(IndexMismatchError, match="kb sync --reembed"):
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


def test_what_was_indexed_by_the_former_model_after_the_swap_gets_its_vectors(home: Home) -> None:
    config = load_config(home, overrides=new(home))
    former = open_knowledge_base(home, load_config(home))
    try:
        reembed_library(home, config, no_one, threading.Event())
        (home.library / "late.txt").write_text("A late giraffe.", "utf-8")
        Syncer(former).sync()
    finally:
        former.close()
    kb = open_knowledge_base(home, config)
    try:
        assert not kb.examine().is_sound
        Syncer(kb).sync()
        assert kb.examine().is_sound
        assert kb.search(Query("giraffe")).hits[0].source == "late.txt"
    finally:
        kb.close()


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
