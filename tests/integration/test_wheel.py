"""What people install who have no checkout: a wheel, which serves its samples from anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel is unpacked, as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_module_and_every_sample_is_in_it(site: Path) -> None:
    for package in ("configs", "ingest", "kb", "ui"):
        wanted = {
            path.relative_to(ROOT)
            for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert not {path for path in wanted if not (site / path).is_file()}
    shipped = site / "ui" / "service" / "samples"
    assert {path.relative_to(SAMPLES) for path in SAMPLES.rglob("*")} == {
        path.relative_to(shipped) for path in shipped.rglob("*")
    }


def test_it_starts_elsewhere_with_the_samples(site: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop("KB_HOME", None)
    command = "import kb, runpy, sys; assert sys.argv[1] in kb.__file__; del sys.argv[1]; "
    command += "runpy.run_module('ui.cli', run_name='__main__', alter_sys=True)"
    arguments = ["up", "--samples", "--no-browser", "--port", "0", "--json"]
    with subprocess.Popen(
        [sys.executable, "-P", "-c", command, str(site), *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.rstrip().endswith("}"):
                line = process.stdout.readline()
                assert line, "the server ended before it was ready"
                text += line
            told = json.loads(text)
            assert told["home"] == str(tmp_path / "data")
            assert "manuals/Breeze 300 User Manual.pdf" in told["samples"]
            assert (tmp_path / "data/library/manuals/Breeze 300 User Manual.pdf").is_file()
            with urllib.request.urlopen(f"{told['url']}/api/health", timeout=30) as response:
                assert response.status == 200
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
