"""Files that a page uploaded: what Gradio keeps of them, and nothing beside it.

A page names its uploads by their path on this machine, and it could name any other file, or an
address. Whatever it names is looked at here before anything is opened: it lies in Gradio's upload
folder, as Gradio puts it there, or it is refused. Gradio has a check of its own, which follows
links and lets addresses pass: the server would fetch them.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import gradio as gr
from gradio.utils import get_upload_folder

from kb.errors import ConfigError

__all__ = ["OwnUploads", "is_uploaded", "opened_upload", "received"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


class OwnUploads(gr.Blocks):  # type: ignore[misc]
    """Blocks that take no file from a page but its uploads, whichever component it is sent to."""

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> Any:
        """See `gradio.Blocks`. Raises `gradio.Error` for any other file."""
        if not all(map(is_uploaded, _paths(inputs))):
            raise gr.Error(_REFUSAL, print_exception=False)
        return await super().preprocess_data(block_fn, inputs, state, explicit_call)


_REFUSAL = "This is no file that was uploaded here. Add it once more."


def is_uploaded(path: object) -> bool:
    """Whether `path` is that of a file in the upload folder, with no link on the way."""
    return _place(path) is not None


@contextmanager
def opened_upload(path: str) -> Iterator[BinaryIO]:
    """An uploaded file, open for reading.

    Raises:
        ConfigError: It is none, or is one no more.
    """
    place = _place(path)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        if place is None:
            raise ConfigError(_REFUSAL)
        handle = os.open(place, flags | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise ConfigError(_REFUSAL) from error
    with open(handle, "rb") as file:
        opened = os.fstat(handle)
        # A folder on the way may have become a link since: what is open must be what lies there
        # now, and no link must lead to it now.
        if _place(path) != place or not os.path.samestat(opened, os.lstat(place)):
            raise ConfigError(_REFUSAL)
        if not stat.S_ISREG(opened.st_mode):
            raise ConfigError(_REFUSAL)
        yield file


@contextmanager
def received(paths: Sequence[str], parent: Path | None = None) -> Iterator[list[Path]]:
    """Copies of uploaded files in a folder of their own, under their own names, for a while.

    Args:
        parent: Where that folder is made; None takes the system's temporary folder.

    Raises:
        ConfigError: One is no uploaded file.
    """
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        copies: list[Path] = []
        for n, path in enumerate(paths):
            copy = Path(folder, str(n), Path(path).name)
            copy.parent.mkdir()
            with opened_upload(path) as file, copy.open("xb") as target:
                shutil.copyfileobj(file, target, 1 << 20)
            copies.append(copy)
        yield copies


def _place(path: object) -> Path | None:
    """Where a file of the upload folder lies, ``FOLDER/sha256/name``; None for all else."""
    if not isinstance(path, str) or not os.path.isabs(path):  # noqa: PTH117 - as text
        return None
    folder = Path(os.path.realpath(get_upload_folder()))
    given = Path(path)
    try:
        # The folder itself may be named by a link: /tmp is one on some machines.
        place = Path(os.path.realpath(given.parent.parent, strict=True), *given.parts[-2:])
        is_there = (
            place.parent.parent == folder
            and _SHA256.fullmatch(place.parent.name) is not None
            and os.path.realpath(place, strict=True) == str(place)
            and place.is_file()
        )
    except (OSError, ValueError):
        return None
    return place if is_there else None


def _paths(value: Any) -> Iterator[object]:
    """Every path of a file in what a page sent, however deep and however it is written."""
    values = [value]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            if "path" in value:
                yield value["path"]
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
