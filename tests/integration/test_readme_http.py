"""The examples of the README's part on HTTP do what it says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_parts import KB, Server, running_server
from made_home import make_home
from PIL import Image

from kb.config import Home
from ui.service.tokens import Tokens, TokenScope

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:7860"
PYTHONS = [
    part.partition("```")[0]
    for part in README.split("```python\n")[1:]
    if ADDRESS in part.partition("```")[0]
]
CURLS = [line for line in README.splitlines() if line.startswith("curl ")]

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = make_home(tmp_path_factory.mktemp("readme"))
    with running_server(home, KB_PASSWORD="secret") as started:
        yield started


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    return Tokens(Home(server.library.parent)).create("readme", list(TokenScope))


def run(server: Server, token: str, line: str, folder: Path) -> str:
    """What a line of the README prints, in a folder with the files that it names."""
    Image.new("RGB", (64, 64), "red").save(folder / "photo.jpg")
    (folder / "manual.md").write_text("# Manual\n\nPress it.")
    assert ADDRESS in line
    line = line.replace(ADDRESS, server.url).replace("curl ", "curl --silent --fail-with-body ", 1)
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={
            "KB_PASSWORD": "secret",
            "KB_TOKEN": token,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stdout


def test_there_are_examples() -> None:
    assert len(CURLS) >= 5
    assert len(PYTHONS) == 2


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Without a password."""
    home = make_home(tmp_path_factory.mktemp("open"))
    subprocess.run([KB, "sync", "--home", home], check=True, timeout=60, capture_output=True)
    with running_server(home) as started:
        yield started


@pytest.mark.parametrize("code", PYTHONS)
def test_python_works(open_server: Server, tmp_path: Path, code: str) -> None:
    (tmp_path / "manual.md").write_text("# Manual\n\nPress it.")
    said = subprocess.run(
        [sys.executable, "-c", code.replace(ADDRESS, open_server.url)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert "40 decibels" in said.stdout
    shown = "/media/documents/" if "openai" in code else "pump.md None"
    assert shown in said.stdout


@pytest.mark.parametrize("line", CURLS)
def test_examples_work(server: Server, token: str, line: str, tmp_path: Path) -> None:
    said = run(server, token, line, tmp_path)
    if '"stream": true' in line:
        assert "event: done\n" in said
    elif "/metrics" in line:
        assert "kb_questions_total" in said
    else:
        assert isinstance(json.loads(said), dict)
