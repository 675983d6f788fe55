"""The model that writes on this computer's processor: whether it is here, and getting it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from kb.config.models import LlamaGeneratorConfig
from kb.errors import KnowledgeBaseError, ModelLoadError
from kb.files import tree_bytes
from kb.hub.catalog import GgufModel, find_known_model
from kb.hub.files import find_model_directory
from kb.hub.gguf import memory_bytes
from kb.hub.listing import Hub
from kb.hub.pull import PullPlan, existing_parent, plan_pull, pull, require_room
from kb.stopping import Stop, StoppedError, check, stoppable
from ui.service.llama_install import install_llama, is_llama_installed

__all__ = ["Laptop", "LaptopModel", "LaptopStage"]


class LaptopStage(StrEnum):
    """How far the model is."""

    AWAY = "away"
    INSTALLING = "installing"
    LOADING = "loading"
    STOPPING = "stopping"
    HERE = "here"


@dataclass(frozen=True, slots=True)
class LaptopModel:
    """The model of the profile `laptop`, as it is now.

    Attributes:
        size_bytes: Of its files.
        stage: `HERE` once it is whole and llama.cpp is installed.
        n_bytes_here: Of `size_bytes`, from this download or one that was left off.
        is_installed: Whether llama.cpp is.
        error: Why the last try to get it failed; or empty.
        needs_bytes: Of memory while it writes, about.
        free_bytes: Of memory now.
        memory_bytes: That this computer has.
        disk_bytes: Free where it is kept.
    """

    name: str
    size_bytes: int
    stage: LaptopStage
    n_bytes_here: int = 0
    is_installed: bool = True
    error: str = ""
    needs_bytes: int = 0
    free_bytes: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0

    @property
    def is_here(self) -> bool:
        """Whether it can write."""
        return self.stage is LaptopStage.HERE

    @property
    def is_under_way(self) -> bool:
        """Whether it is being got."""
        return self.stage not in (LaptopStage.AWAY, LaptopStage.HERE)

    @property
    def fits(self) -> bool:
        """Whether this computer could ever hold it in memory."""
        return self.memory_bytes >= self.needs_bytes


class Laptop:
    """Gets the model in a thread of its own, one at a time, and tells how far it is.

    Args:
        models: Where models are kept.
        on_ready: Called in that thread once all is here; what it raises is told as `error`.
    """

    def __init__(self, models: Path, on_ready: Callable[[], None]) -> None:
        self._models = models
        self._on_ready = on_ready
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = Stop()
        self._stage = LaptopStage.AWAY
        self._n_done = 0
        self._error = ""
        self._seen_whole: tuple[tuple[str, int, int], ...] = ()

    def now(self) -> LaptopModel:
        """How it is."""
        config = LlamaGeneratorConfig()
        model = self._model
        is_whole = self._is_whole()
        is_installed = is_llama_installed()
        with self._lock:
            stage, error, n_done = self._stage, self._error, self._n_done
        if stage is LaptopStage.AWAY:
            n_done = self._n_bytes_kept()
            if is_whole and is_installed:
                stage = LaptopStage.HERE
        memory = psutil.virtual_memory()
        return LaptopModel(
            model.name,
            model.weights_bytes,
            stage,
            n_bytes_here=min(model.weights_bytes, n_done),
            is_installed=is_installed,
            error=error,
            needs_bytes=memory_bytes(
                model.weights_bytes, config.max_length * model.token_bytes, has_vision=True
            ),
            free_bytes=memory.available,
            memory_bytes=memory.total,
            disk_bytes=shutil.disk_usage(existing_parent(self._models)).free,
        )

    def start(self) -> None:
        """Get what is missing, from where an earlier try ended; nothing where it is under way."""
        with self._lock:
            if self._stage is not LaptopStage.AWAY:
                return
            self._stop = Stop()
            self._error = ""
            self._stage = LaptopStage.LOADING
            self._n_done = self._n_bytes_kept()
            self._thread = threading.Thread(target=self._get, name="kb-laptop", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """Leave off. What is loaded stays for the next try."""
        with self._lock:
            if self._stage is not LaptopStage.AWAY:
                self._stage = LaptopStage.STOPPING
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Until nothing is under way, or so long."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _get(self) -> None:
        error = ""
        try:
            with stoppable(self._stop):
                if not is_llama_installed():
                    self._turn(LaptopStage.INSTALLING)
                    install_llama()
                self._turn(LaptopStage.LOADING)
                if not self._is_whole():
                    self._load()
            self._on_ready()
        except StoppedError:
            pass
        except KnowledgeBaseError as failure:
            error = str(failure)
        finally:
            with self._lock:
                self._error, self._stage = error, LaptopStage.AWAY

    def _turn(self, stage: LaptopStage) -> None:
        check()
        with self._lock:
            if self._stage is not LaptopStage.STOPPING:
                self._stage = stage

    def _load(self) -> None:
        plan = self._plan()
        require_room([plan])
        with self._lock:
            self._n_done = plan.n_bytes - plan.n_bytes_left
        pull(plan, self._heard)

    def _plan(self) -> PullPlan:
        """What is to be loaded, from the hub of an earlier try or one that can be reached."""
        directory = self._models / self._model.name
        try:
            return plan_pull(self._model, directory)
        except ModelLoadError as first:
            check()
            try:
                return plan_pull(self._model, directory, Hub.MODELSCOPE)
            except ModelLoadError:
                raise first from None

    def _heard(self, _: str, n_bytes: int) -> None:
        with self._lock:
            self._n_done += n_bytes

    def _is_whole(self) -> bool:
        # To see it, lists of some hundred thousand words are passed over.
        seen = _state(self._models / self._model.name)
        if seen and seen == self._seen_whole:
            return True
        try:
            find_model_directory(self._model.name, self._models)
        except ModelLoadError:
            return False
        self._seen_whole = seen
        return True

    def _n_bytes_kept(self) -> int:
        return tree_bytes(self._models / self._model.name)

    @property
    def _model(self) -> GgufModel:
        model = find_known_model(LlamaGeneratorConfig().model)
        assert isinstance(model, GgufModel)
        return model


def _state(directory: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of the files in a folder; empty where it is not there."""
    try:
        stats = [(path.name, path.stat()) for path in directory.iterdir()]
    except OSError:
        return ()
    return tuple(sorted((name, one.st_size, one.st_mtime_ns) for name, one in stats))
