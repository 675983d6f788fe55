"""The command line: in this process, which has its imports and models already, or as a program.

A command takes seconds to start and milliseconds to run. What is checked of its output and its exit
code is the same in either; what a process alone shows (what native code prints, signals, that it
ends) wants the program.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from ui.cli.commands import main

__all__ = ["Said", "run_here", "run_program"]

ROOT = Path(__file__).parents[1]


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def run_here(*arguments: str | Path) -> Said:
    """``kb`` with `arguments`, by its own `main` in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code = 0
    mask = os.umask(0o077)
    try:
        with (
            patch.object(sys, "argv", ["kb", *map(str, arguments)]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as end:
                code = int(end.code or 0)
    finally:
        os.umask(mask)
    return Said(code, _text(out), _text(err))


def run_program(*arguments: str | Path) -> Said:
    """``kb`` with `arguments`, as a process of its own."""
    command = [sys.executable, "-m", "ui.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    return Said(done.returncode, done.stdout, done.stderr)


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
