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

from kb.config import LimitsConfig
from kb.errors import ConfigError, PromptTooLongError
from kb.files import size_bytes
from ui.told import told

__all__ = ["OwnUploads", "is_uploaded", "opened_upload", "received"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


class OwnUploads(gr.Blocks):  # type: ignore[misc]
    """Blocks that take no file from a page but its uploads, whichever component it is sent to.

    Attributes:
        max_files: Of one event, each counted as often as it is named.
    """

    max_files = 1_000

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> Any:
        """See `gradio.Blocks`. Raises `gradio.Error` for any other file, and for too many."""
        paths = list(_paths(inputs))
        # Counted before any is looked at: Gradio reads each one, as often as it is named.
        if len(paths) > self.max_files:
            refusal = too_many_files(len(paths), self.max_files, "limits.max_upload_files")
            raise gr.Error(told(refusal), print_exception=False)
        if not all(map(is_uploaded, paths)):
            raise gr.Error(told(_REFUSAL), print_exception=False)
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
def received(
    paths: Sequence[str], limits: LimitsConfig, parent: Path | None = None
) -> Iterator[list[Path]]:
    """Copies of a question's uploaded files in a folder of their own, under their own names, for
    a while. One that is named twice is one file.

    Args:
        parent: Where that folder is made; None takes the system's temporary folder.

    Raises:
        ConfigError: One is no uploaded file.
        PromptTooLongError: They are more than `limits` allows. Nothing was copied then.
    """
    paths = list(dict.fromkeys(paths))
    if len(paths) > limits.max_question_files:
        raise PromptTooLongError(
            too_many_files(len(paths), limits.max_question_files, "limits.max_question_files")
        )
    n_bytes = sum(map(_size_bytes, paths))
    if n_bytes > limits.max_question_bytes:
        raise PromptTooLongError(
            f"The question's files have {n_bytes:,} bytes, over the limit of "
            f"{limits.max_question_bytes:,}. Leave some out, or raise "
            "`limits.max_question_bytes` in kb.yaml."
        )
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        copies: list[Path] = []
        for n, path in enumerate(paths):
            copy = Path(folder, str(n), Path(path).name)
            copy.parent.mkdir()
            with opened_upload(path) as file, copy.open("xb") as target:
                shutil.copyfileobj(file, target, 1 << 20)
            copies.append(copy)
        yield copies


def too_many_files(n_files: int, max_files: int, setting: str) -> str:
    """What is said of more files than `setting` allows."""
    return (
        f"{n_files:,} files are over the limit of {max_files:,}. Leave some out, or raise "
        f"`{setting}` in kb.yaml."
    )


def _size_bytes(path: str) -> int:
    """0 for what is no upload: it is refused when it is opened."""
    place = _place(path)
    return (size_bytes(place) or 0) if place is not None else 0


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
