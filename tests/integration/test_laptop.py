"""Getting the model that writes on this computer by a click, and writing with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from gradio_events import event_of, page_client, send_event
from made_home import pump_service
from made_laptop import MODEL, catalog_of, hub_of, laptop_files
from made_models import HubServer
from starlette.testclient import TestClient

from kb.errors import ModelLoadError
from kb.hub import catalog
from kb.hub import pull as download
from kb.stopping import Stop, StoppedError, stoppable
from kb.types import Query
from ui.service import llama_install
from ui.service.laptop import LaptopModel, LaptopStage
from ui.service.llama_install import REQUIREMENT, install_llama
from ui.service.service import Service

pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install '.[laptop]'")

NAME = MODEL.files[0].path
QUESTION = Query("How loud is the pump?")


@pytest.fixture(scope="module")
def files(tiny_qwen3_vl: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return laptop_files(tiny_qwen3_vl, tmp_path_factory.mktemp("gguf"))


@pytest.fixture
def hub(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr(catalog, "KNOWN_MODELS", catalog_of(files))
    with hub_of(files) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.url)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
        monkeypatch.setattr(download, "_WAITS_S", (0.0, 0.0))
        yield server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("home")) as one:
        yield one


@pytest.fixture
def service(home: Service, hub: HubServer) -> Iterator[Service]:
    yield home
    home.writers.laptop.cancel()
    home.writers.laptop.wait(30)
    home.writers.choose("quotes")
    shutil.rmtree(home.home.models, ignore_errors=True)


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with page_client(service) as one:
        yield one


def act(client: TestClient, name: str, part: str = "kb-laptop") -> str:
    event = event_of(client, part, "submit")
    return json.dumps(send_event(client, event, [], event_data={"act": name}))


def until(service: Service, stage: LaptopStage, n_bytes: int = 0) -> LaptopModel:
    end_s = time.monotonic() + 30
    while time.monotonic() < end_s:
        now = service.writers.laptop.now()
        if now.stage is stage and now.n_bytes_here >= n_bytes:
            return now
        time.sleep(0.02)
    raise AssertionError(service.writers.laptop.now())


@pytest.mark.parametrize("part", ["kb-laptop", "kb-offer"])
def test_a_click_loads_it_and_the_next_answer_is_written(
    service: Service, client: TestClient, files: dict[str, bytes], part: str
) -> None:
    assert "Load it" in client.get("/").text
    assert service.writers.laptop.now().stage is LaptopStage.AWAY
    act(client, "get", part)
    service.writers.laptop.wait(60)
    now = until(service, LaptopStage.HERE)
    assert now.error == ""
    assert (service.home.models / MODEL.name / NAME).read_bytes() == files[NAME]
    assert service.home.config.read_text() == "generator: laptop\n"
    assert service.writers.is_laptop
    quoted, *_, last = service.kb.ask(QUESTION)
    assert quoted.text == "The pump hums at 40 decibels. [1]"  # type: ignore[union-attr]
    assert quoted.is_draft  # type: ignore[union-attr]
    # What a model with random weights writes is nothing or a circle: it did write.
    assert last.note or "generate" in last.timings_ms  # type: ignore[union-attr]
    [state] = [one for one in service.kb.model_states() if one.role == "generator"]
    assert state.is_loaded
    # And back.
    service.writers.choose("quotes")
    assert service.kb.answer(QUESTION).text == "The pump hums at 40 decibels. [1]"


def test_it_can_be_left_off_and_goes_on_from_there(
    service: Service, client: TestClient, hub: HubServer
) -> None:
    hub.held[NAME] = 100_000
    assert "Cancel" in act(client, "get")
    now = until(service, LaptopStage.LOADING, n_bytes=100_000)
    assert now.is_under_way
    shown = act(client, "get")  # once more: nothing begins anew
    assert "100 kB of" in shown
    started_s = time.monotonic()
    act(client, "cancel")
    service.writers.laptop.wait(20)
    assert time.monotonic() - started_s < 10  # a read that waits is woken
    now = until(service, LaptopStage.AWAY)
    assert now.error == ""
    assert now.n_bytes_here >= 100_000
    assert not service.writers.is_writing
    assert "Go on loading" in client.get("/").text
    hub.freed.set()
    act(client, "get")
    until(service, LaptopStage.HERE)
    assert hub.ranges(NAME) == [None, "bytes=100000-"]


def test_why_it_could_not_be_loaded_is_told(
    service: Service, client: TestClient, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.status = 500
    act(client, "get")
    service.writers.laptop.wait(20)
    assert "answered HTTP 500" in until(service, LaptopStage.AWAY).error
    page = client.get("/").text
    assert "It could not be loaded" in page
    hub.status = None
    hub.spoiled.add(NAME)
    act(client, "get")
    service.writers.laptop.wait(20)
    assert "is damaged" in until(service, LaptopStage.AWAY).error
    hub.spoiled.clear()
    usage = shutil.disk_usage("/")._replace(free=1_000)
    with monkeypatch.context() as context:
        context.setattr(shutil, "disk_usage", lambda _: usage)
        act(client, "get")
        service.writers.laptop.wait(20)
        assert "1.0 kB free" in until(service, LaptopStage.AWAY).error
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    act(client, "get")
    service.writers.laptop.wait(20)
    assert "forbids the network" in until(service, LaptopStage.AWAY).error
    assert not service.writers.is_writing


def test_the_other_hub_is_asked_where_one_does_not_answer(
    service: Service, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    service.writers.laptop.start()
    until(service, LaptopStage.HERE)
    assert any("/api/v1/models/" in path for path, _ in hub.seen)


def test_too_little_memory_is_told_before(
    service: Service, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = psutil.virtual_memory()
    needs = service.writers.laptop.now().needs_bytes
    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: memory._replace(total=needs - 1, available=1)
    )
    page = client.get("/").text
    assert "too little" in page
    assert "Load it" not in page
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=needs - 1))
    page = client.get("/").text
    assert "close other programs" in page
    assert "Load it" in page


def test_where_others_have_the_password_nothing_is_loaded(service: Service, hub: HubServer) -> None:
    with page_client(service, "a long password") as client:
        assert "Load it" not in client.get("/").text
        act(client, "get")
        act(client, "get", "kb-offer")
    assert service.writers.laptop.now().stage is LaptopStage.AWAY
    assert hub.seen == []


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of an environment of its own."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, timeout=120)
    return str(place / ("Scripts" if os.name == "nt" else "bin") / "python")


class TestInstalling:
    """pip, with a wheel from a folder and no network."""

    @pytest.fixture
    def wheels(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        return tmp_path

    def make(self, folder: Path) -> None:
        info = "xllamacpp-2026.10.1.dist-info"
        content = {
            "xllamacpp.py": "",
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: xllamacpp\nVersion: 2026.10.1\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{name},,\n" for name in (*content, f"{info}/RECORD"))
        path = folder / "xllamacpp-2026.10.1-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in {**content, f"{info}/RECORD": record}.items():
                wheel.writestr(name, text)

    def test_a_wheel_is_installed(self, python: str, wheels: Path) -> None:
        self.make(wheels)
        install_llama(python)
        subprocess.run([python, "-c", "import xllamacpp"], check=True, timeout=60)

    def test_without_a_wheel_the_next_step_is_told(self, python: str, wheels: Path) -> None:
        subprocess.run([python, "-m", "pip", "uninstall", "-qy", "xllamacpp"], timeout=60)
        with pytest.raises(ModelLoadError, match=r"There is no xllamacpp.*Ollama or LM Studio"):
            install_llama(python)

    def test_what_else_fails_tells_the_command(
        self, python: str, wheels: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PIP_TARGET", "/dev/null/nowhere")
        self.make(wheels)
        with pytest.raises(ModelLoadError, match=r"can't be installed: .*Run `.* -m pip install"):
            install_llama(python)

    def test_without_pip_and_uv(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(llama_install, "find_spec", lambda _: None)
        monkeypatch.setattr(shutil, "which", lambda _: None)
        with pytest.raises(ModelLoadError, match=r"neither pip nor uv\. Run `.* -m pip install"):
            install_llama()

    def test_it_can_be_stopped(self) -> None:
        stop = Stop()
        stop.set()
        with pytest.raises(StoppedError), stoppable(stop):
            install_llama()

    def test_it_is_what_the_extra_names(self) -> None:
        import tomllib

        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        extras = tomllib.loads(project.read_text("utf-8"))["project"]["optional-dependencies"]
        assert extras["laptop"] == [REQUIREMENT]
