"""Starting llama.cpp's process when it is needed, and ending it when it is not."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

import psutil

from kb.config.models import LlamaGeneratorConfig
from kb.errors import InferenceError, ModelLoadError
from kb.hub.gguf import GgufHeader, find_gguf, memory_bytes, read_gguf
from kb.masking import keep_secret, masked
from kb.text.humanize import size_text

__all__ = ["Endpoint", "LlamaProcess", "n_threads"]

_BATCH: Final = 512
_MAX_THREADS: Final = 8  # more wait for one another and for the memory
_CACHE_MIB: Final = 256  # prompts that are kept, the rules of ours above all
_START_S: Final = 300.0
_LAST_WORDS_S: Final = 5.0
_END_S: Final = 5.0
_N_LOG_LINES: Final = 40
_SHOWN_CHARACTERS: Final = 200
_LOADING: Final = "error loading model: "
_ILLEGAL_INSTRUCTION: Final = (-getattr(signal, "SIGILL", 4), 0xC000001D)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the process answers, and the key that it wants."""

    url: str
    key: str


def n_threads() -> int:
    """One less than there are cores that this process may use, hyper-threads not counted twice:
    threads wait for one another, and all stand still while one core is taken by another program."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = psutil.cpu_count(logical=False) or allowed or 1
    return max(1, min(min(cores, allowed or 1) - 1, _MAX_THREADS))


class LlamaProcess:
    """One model behind llama.cpp. Safe to use from several threads.

    Args:
        config: Of the profile.
        place: The model's file or folder.

    Raises:
        ModelLoadError: A file is missing or not whole.
    """

    def __init__(self, config: LlamaGeneratorConfig, place: Path) -> None:
        self._config = config
        self.model, self.vision = find_gguf(place)
        self.header: GgufHeader = read_gguf(self.model)
        self._vision_bytes = read_gguf(self.vision).size_bytes if self.vision else 0
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._endpoint: Endpoint | None = None
        self._log: deque[str] = deque(maxlen=_N_LOG_LINES)
        self._n_users = 0
        self._timer: threading.Timer | None = None

    @property
    def size_bytes(self) -> int:
        """Of the files."""
        return self.header.size_bytes + self._vision_bytes

    @property
    def n_bytes_needed(self) -> int:
        """Of memory, about."""
        cache_bytes = self.header.cache_bytes(self._config.max_length)
        return memory_bytes(self.size_bytes, cache_bytes, has_vision=self.vision is not None)

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        process = self._process
        return process is not None and process.poll() is None

    @contextmanager
    def used(self) -> Iterator[Endpoint]:
        """Where it answers, for as long as it is needed; the model is loaded first where it is not
        in memory.

        Raises:
            InferenceError: The process ended meanwhile.
            ModelLoadError: llama.cpp is not installed, there is too little memory, or it can't
                load the model.
        """
        with self._lock:
            self._n_users += 1
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        try:
            with self._lock:
                endpoint = self._started()
            yield endpoint
        except InferenceError as error:
            code = self._exit_code()
            if code is None:
                raise
            raise InferenceError(
                f"The process that wrote with {self.model.name} ended (exit code {code}){_NEXT}",
                model_id=self._config.model,
            ) from error
        finally:
            with self._lock:
                self._n_users -= 1
                if not self._n_users:
                    self._timer = threading.Timer(self._config.idle_s, self._leave)
                    self._timer.daemon = True
                    self._timer.start()

    def close(self) -> None:
        """Give the memory back now."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._end()

    def _leave(self) -> None:
        with self._lock:
            if not self._n_users:
                self._end()

    def _end(self) -> None:
        process, self._process, self._endpoint = self._process, None, None
        if process is not None:
            _end(process)

    def _exit_code(self) -> int | None:
        """Of the process; None while it runs."""
        process = self._process
        if process is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            # A broken connection is seen before the end of who broke it.
            return process.wait(1)
        return None

    def _started(self) -> Endpoint:
        if self._endpoint is not None and self.is_loaded:
            return self._endpoint
        self._end()
        self._require()
        key = secrets.token_hex(16)
        keep_secret(key)
        # By its path, so that nothing of ours takes memory there.
        command = [sys.executable, "-P", str(Path(__file__).with_name("serve.py"))]
        try:
            process = subprocess.Popen(  # noqa: S603 (nothing in it was given by anybody)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise self._failed(f"its process can't be started ({error})") from error
        self._process = process
        weakref.finalize(self, _end, process)
        assert process.stdin is not None
        assert process.stderr is not None
        log_reader = threading.Thread(
            target=_keep_log, args=(process.stderr, self._log), name="llama-log", daemon=True
        )
        log_reader.start()
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(self._settings(key)) + "\n")
            process.stdin.flush()
        told = self._first_line(process)
        if "url" not in told:
            self._end()
            # The cause may be read after the process has ended.
            log_reader.join(_LAST_WORDS_S)
            raise self._not_loaded(process.returncode, told)
        self._endpoint = Endpoint(str(told["url"]), key)
        return self._endpoint

    def _settings(self, key: str) -> dict[str, Any]:
        return {
            "model": str(self.model),
            "vision": str(self.vision) if self.vision else None,
            "key": key,
            "n_context": self._config.max_length,
            "n_batch": _BATCH,
            "n_threads": self._config.threads or n_threads(),
            "n_cache_mib": _CACHE_MIB,
        }

    def _first_line(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """What the process says once the model is loaded; empty where it ends without a word."""
        assert process.stdout is not None
        # A file that makes it hang is not waited for for ever.
        limit = threading.Timer(_START_S, process.kill)
        limit.start()
        try:
            line = process.stdout.readline()
        finally:
            limit.cancel()
        try:
            told = json.loads(line)
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}

    def _require(self) -> None:
        if find_spec("xllamacpp") is None:
            raise self._failed(
                "llama.cpp is not installed: `pip install xllamacpp`. Where there is no wheel of "
                "it for this computer, `kb models servers` finds models of Ollama or LM Studio"
            )
        free_bytes = psutil.virtual_memory().available
        if self.n_bytes_needed > free_bytes:
            raise self._failed(
                f"it needs about {size_text(self.n_bytes_needed)} of memory, and "
                f"{size_text(free_bytes)} are free. Close other programs, or choose a smaller "
                "model"
            )

    def _not_loaded(self, code: int | None, told: dict[str, Any]) -> ModelLoadError:
        if code in _ILLEGAL_INSTRUCTION:
            return self._failed(
                "this processor lacks instructions that llama.cpp here was built with (AVX2). "
                "Ollama has a build for it: see `kb models servers`"
            )
        log = "\n".join(self._log)
        if "unknown model architecture" in log:
            return self._failed(
                f"llama.cpp does not know its architecture {self.header.architecture!r}. Update "
                "xllamacpp, or choose another model"
            )
        # The first of them is the cause; those after it say that there was one.
        error = next((line for line in self._log if "error" in line.casefold()), "")
        said = masked(" ".join(error.rpartition(_LOADING)[2].split()))[:_SHOWN_CHARACTERS]
        reason = said or told.get("error") or f"its process ended (exit code {code})"
        return self._failed(f"llama.cpp can't load it: {reason}. Pull it again, or choose another")

    def _failed(self, why: str) -> ModelLoadError:
        return ModelLoadError(
            f"{self.model.name} can't write answers: {why}.", model_id=self._config.model
        )


_NEXT: Final = (
    ". Most often memory ran short: close other programs, or choose a smaller model, then ask "
    "again."
)


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _keep_log(stream: IO[str], log: deque[str]) -> None:
    with stream:
        log.extend(stream)
