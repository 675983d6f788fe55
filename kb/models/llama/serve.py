"""A process of its own that holds one model and writes with llama.cpp, over HTTP on the loopback.

Apart, so that its memory is given back when it ends, a damaged file can end nothing but it, and
computing takes nothing from those who read pages meanwhile. It reads its settings as a line of JSON
from its input, says its address, or why it has none, as a line of JSON, and ends when the input
does: with whoever started it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Serve until the input ends."""
    settings = json.loads(sys.stdin.readline())
    # What the library prints is a log; answers go where only we write.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        server = _serve(settings)
        told = {"url": server.listening_address}
    except RuntimeError as error:
        told = {"error": str(error)}
    print(json.dumps(told), file=answers, flush=True)
    if "url" in told:
        sys.stdin.read()
    # The library's threads outlive its objects for a while.
    os._exit(0)


def _serve(settings: dict[str, Any]) -> Any:
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = settings["model"]
    if settings["vision"]:
        params.mmproj.path = settings["vision"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.n_ctx = settings["n_context"]
    params.n_parallel = 1
    params.n_batch = params.n_ubatch = settings["n_batch"]
    # Waiting threads that turn round and round take the processor from everybody else.
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads = settings["n_threads"]
        threads.poll = 0
    params.cache_ram_mib = settings["n_cache_mib"]
    params.use_jinja = True
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    # Warnings and errors: nothing of what is asked.
    params.verbosity = 2
    return Server(params)


if __name__ == "__main__":
    main()
