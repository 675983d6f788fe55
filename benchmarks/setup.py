"""Seconds of `make run` from a fresh clone to the page, and to the first cited answer.

``python -m benchmarks.setup [--json]``: clones this repository into a temporary folder, runs
``make run`` there as the README says, asks as soon as the page answers, and goes on asking
until an answer carries a citation; then waits until all samples are indexed. Packages are
installed anew, from pip's cache where it holds them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kb.config import Home
from ui.cli.client import Client, find_server

_ROOT = Path(__file__).resolve().parent.parent
_QUESTION = "How do I reset the device?"
_LIMIT_S = 1800.0


def main() -> None:
    """Clone, run, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary, "clone")
        subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(clone)], check=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KB_")}
        environment["BROWSER"] = "true"
        start = time.perf_counter()
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment,
            stdout=sys.stderr,
            stderr=sys.stderr,
            start_new_session=True,
        )
        try:
            stamp = clone / ".venv" / "run.stamp"
            installed_s = _until(process, start, lambda: stamp.exists())
            home = Home(clone / "data")
            page_s = _until(process, start, lambda: find_server(home) is not None)
            server = find_server(home)
            assert server is not None
            answered_s = _until(process, start, lambda: _is_answered(server))
            indexed_s = _until(process, start, lambda: _is_indexed(server))
            files = server.status()["counts"]
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)
    figures = {
        "install_s": installed_s,
        "page_after_install_s": page_s - installed_s,
        "first_cited_answer_after_page_s": answered_s - page_s,
        "all_indexed_after_page_s": indexed_s - page_s,
        "files": files,
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>32}  {value:,.1f}" if isinstance(value, float) else f"{name:>32}  {value}")


def _until(process: subprocess.Popen[bytes], start: float, done: object) -> float:
    assert callable(done)
    while not done():
        if process.poll() is not None:
            raise SystemExit("`make run` ended before it was ready; see its output above.")
        if time.perf_counter() - start > _LIMIT_S:
            raise SystemExit(f"`make run` was not ready after {_LIMIT_S:.0f} s.")
        time.sleep(0.25)
    return time.perf_counter() - start


def _is_answered(server: Client) -> bool:
    for line in server.ask(_QUESTION, [], None, "{}"):
        if "answer" in line:
            return bool(line["answer"]["citations"])
    return False


def _is_indexed(server: Client) -> bool:
    counts = server.status()["counts"]
    return counts["indexed"] > 0 and counts["waiting"] == counts["indexing"] == 0


if __name__ == "__main__":
    main()
