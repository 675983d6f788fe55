"""The trash by the API and by the command line, of one home."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Said, run_here
from fastapi.testclient import TestClient
from made_home import pump_service

from ui.http.server import make_server_app
from ui.service.service import Service

LOCAL = "http://127.0.0.1:7860"
TRASH = "/api/v1/trash"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("trash")) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    app = make_server_app(service, token="t0ken")
    with TestClient(app, base_url=LOCAL, headers={"X-KB-Request": "1"}) as client:
        yield client


def trash(service: Service, *arguments: str, code: int = 0) -> Said:
    done = run_here("trash", *arguments, "--home", service.home.path)
    assert done.code == code, done.err
    return done


def deleted(service: Service, name: str) -> Path:
    """Where a file was that was put into the trash just now."""
    file = service.home.library / name
    file.write_text(f"# {name}\n")
    service.sync()
    service.remove(name)
    assert not file.exists()
    return file


def test_what_was_deleted_comes_back_by_the_api(client: TestClient, service: Service) -> None:
    file = deleted(service, "one.md")
    (found,) = client.get(TRASH).json()["files"]
    assert (found["source"], found["also"], found["size_bytes"]) == ("one.md", [], 9)
    assert len(found["document_id"]) == 64
    restored = client.post(f"{TRASH}/{found['id']}/restore")
    assert restored.json() == {"id": found["id"], "source": "one.md"}
    assert file.exists()
    assert client.get(TRASH).json()["files"] == []
    assert client.post(f"{TRASH}/{found['id']}/restore").status_code == 404
    assert client.delete(f"{TRASH}/{found['id']}").status_code == 404
    assert client.delete(f"{TRASH}/x").status_code == 422


def test_it_is_deleted_for_good_by_the_api(client: TestClient, service: Service) -> None:
    deleted(service, "two.md")
    deleted(service, "three.md")
    newest, _ = client.get(TRASH).json()["files"]
    assert newest["source"] == "three.md"
    assert client.delete(f"{TRASH}/{newest['id']}").json() == {"n_files": 1}
    assert client.delete(TRASH).json() == {"n_files": 1}
    assert client.get(TRASH).json()["files"] == []


def test_the_command_line_does_the_same_while_a_server_runs(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = deleted(service, "four.md")
    (found,) = json.loads(trash(service, "list", "--json").out)["files"]
    assert found["source"] == "four.md"
    assert "four.md" in trash(service, "list").out
    assert "four.md is back" in trash(service, "restore", found["id"]).err
    assert file.exists()
    assert "not in the trash" in trash(service, "restore", found["id"], code=1).err
    deleted(service, "five.md")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    trash(service, "empty", code=1)
    assert len(service.shelf.trash.find()) == 1
    trash(service, "empty", "--json", code=2)
    assert json.loads(trash(service, "empty", "--yes", "--json").out) == {"n_files": 1}
    assert service.shelf.trash.find() == []
    assert json.loads(trash(service, "empty", "--json").out) == {"n_files": 0}
