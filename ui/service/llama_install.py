"""Installing llama.cpp, the optional package behind the profile `laptop`, while the server runs."""

from __future__ import annotations

import importlib
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import Final

from kb.errors import ModelLoadError
from kb.masking import masked
from kb.stopping import check, interrupted_by

__all__ = ["REQUIREMENT", "install_command", "install_llama", "is_llama_installed"]

REQUIREMENT: Final = "xllamacpp>=2026.10"
"""As the extra `laptop` of this project has it."""
_NAME: Final = "xllamacpp"
_LIMIT_S: Final = 900.0
_SHOWN_CHARACTERS: Final = 300
# What pip and uv say where there is no wheel for this computer.
_NO_WHEEL: Final = ("no matching distribution", "no solution found", "no wheels")


def is_llama_installed() -> bool:
    """Whether this Python has llama.cpp."""
    importlib.invalidate_caches()
    return find_spec(_NAME) is not None


def install_command(python: str = sys.executable) -> list[str] | None:
    """What installs it where `python` runs: pip, else uv; None where there is neither. Wheels
    alone: nothing is compiled, and no other code of the package runs."""
    options = ["--only-binary", ":all:", REQUIREMENT]
    if find_spec("pip") is not None:
        pip = [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        return [*pip, *options]
    uv = shutil.which("uv")
    return [uv, "pip", "install", "--python", python, *options] if uv else None


def install_llama(python: str = sys.executable) -> None:
    """Install it, unless it is there. Within `kb.stopping.stoppable` it can be stopped.

    Raises:
        ModelLoadError: It can't be installed; the message holds the command to try by hand.
    """
    command = install_command(python)
    by_hand = shlex.join([python, "-m", "pip", "install", REQUIREMENT])
    if command is None:
        raise ModelLoadError(
            f"llama.cpp is not installed, and this Python has neither pip nor uv. Run `{by_hand}` "
            "where it has, then try again.",
            model_id=_NAME,
        )
    check()
    try:
        process = subprocess.Popen(  # noqa: S603 (nothing in it was given by anybody)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise _failed(str(error), by_hand) from error
    with process:
        try:
            with interrupted_by(process.terminate):
                said, _ = process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise _failed(f"it took over {_LIMIT_S:g} s", by_hand) from error
        finally:
            with suppress(OSError):
                process.kill()
    check()
    if process.returncode:
        if any(words in said.lower() for words in _NO_WHEEL):
            raise ModelLoadError(
                f"There is no {REQUIREMENT} for this computer and this Python. Models of Ollama "
                "or LM Studio can write instead: start one of them, and look for it here.",
                model_id=_NAME,
            )
        lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        raise _failed((errors or lines or ["no reason given"])[-1], by_hand)


def _failed(why: str, by_hand: str) -> ModelLoadError:
    return ModelLoadError(
        f"llama.cpp can't be installed: {masked(why)[:_SHOWN_CHARACTERS]}. Run `{by_hand}` in a "
        "terminal to see all of it, then try again.",
        model_id=_NAME,
    )
