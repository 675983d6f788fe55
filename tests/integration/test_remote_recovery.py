"""A server of models that goes while `kb up` runs, and comes back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_qwen3_vl import make_checkpoint
from vllm_server import EMBEDDING, VllmServer

from ingest.sync import Syncer
from kb.build import open_knowledge_base, reembed_library
from kb.config import Home
from kb.config.loading import load_config
from kb.errors import IndexMismatchError, ModelLoadError
from kb.types import Query
from ui.service.service import Service

DIM = 64


def wait(until: Callable[[], object], limit_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not until():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.library.mkdir(parents=True)
    (home.library / "heron.md").write_text("# Heron\n\nThe heron stands in the lake.\n")
    return home


def test_the_sync_goes_on_by_itself_when_the_server_is_back(
    home: Home, tiny_qwen3_vl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.service.background._FIRST_DELAY_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    encoder = {"kind": "remote", "url": f"http://127.0.0.1:{port}", "model": EMBEDDING}
    settings = {"encoder": {**encoder, "dim": DIM, "n_retries": 0}}
    with VllmServer(tiny_qwen3_vl, port=port):
        service = Service(home, load_config(home, "starter", settings))
        service.start()
        wait(lambda: service.status().counts["indexed"] == 1)
    try:
        (home.library / "swift.md").write_text("# Swift\n\nThe swift sleeps in the air.\n")
        wait(lambda: "can't be reached" in service.alert)
        assert "tried again by itself" in service.alert
        with pytest.raises(ModelLoadError, match="can't be reached"):
            service.search(Query("where does the swift sleep"))
        # It is tried again and again meanwhile.
        time.sleep(1.5)
        assert "can't be reached" in service.alert
        with VllmServer(tiny_qwen3_vl, port=port):
            wait(lambda: service.status().counts["indexed"] == 2)
            wait(lambda: not service.alert)
            hits = service.search(Query("where does the swift sleep")).hits
            assert {hit.source for hit in hits} == {"heron.md", "swift.md"}
    finally:
        service.close()


def test_another_model_behind_the_same_name_is_embedded_with(
    home: Home, tiny_qwen3_vl: Path, tmp_path: Path
) -> None:
    with VllmServer(tiny_qwen3_vl) as server:
        encoder = {"kind": "remote", "url": server.url, "model": EMBEDDING, "dim": DIM}
        config = load_config(home, "starter", {"encoder": encoder})
        kb = open_knowledge_base(home, config)
        Syncer(kb).sync()
        kb.close()
        server.serve(make_checkpoint(tmp_path / "another", seed=1))
        kb = open_knowledge_base(home, config)
        with pytest.raises(IndexMismatchError, match="kb sync --reembed"):
            kb.search(Query("heron"))
        kb.close()
        progress = reembed_library(home, config, lambda _: None, threading.Event())
        assert progress.n_done == progress.n_total == 1
        kb = open_knowledge_base(home, config)
        try:
            assert kb.search(Query("heron")).hits[0].source == "heron.md"
            assert kb.examine().is_sound
        finally:
            kb.close()
        # Once it is whole there is nothing left to do.
        assert reembed_library(home, config, lambda _: None, threading.Event()).n_total == 0
