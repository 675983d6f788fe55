"""Whether a model is what was pulled, to the byte, and can be opened.

Reading 17 GB takes 15 seconds and more, so the program itself looks at sizes and headers when
it starts (`kb.hub.files`), and this is asked for: `kb models check`. What it finds is noted
in the record, so that the program does not compute with damaged weights and a pull gets them
again.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from kb.errors import ModelLoadError
from kb.files import size_bytes
from kb.hub.catalog import KnownModel
from kb.hub.digests import OnProgress, digested
from kb.hub.directory import read_json
from kb.hub.files import (
    check_model_directory,
    is_gguf_directory,
    is_speech_directory,
    not_whole,
)
from kb.hub.listing import RemoteFile
from kb.hub.record import PULL_LOCK, note_damaged, read_damaged, read_record

__all__ = ["noted_bytes", "verify_model"]

_PREPROCESSORS = ("preprocessor_config.json", "video_preprocessor_config.json")


def noted_bytes(directory: Path) -> int:
    """Bytes that `verify_model` reads in `directory`; 0 where no pull has noted digests."""
    return sum(file.size_bytes for file in _comparable(directory))


def verify_model(directory: Path, on_progress: OnProgress, model: KnownModel | None = None) -> None:
    """Compare every file with the digest that a pull has noted, and open what is small.

    A directory without a record of a pull is looked at as `check_model_directory` does, and
    its small files are opened.

    Args:
        model: Which it is, where it was asked for by its name.

    Raises:
        ModelLoadError: It is not whole, or a pull into it is running.
    """
    damaged = set()
    for file in _comparable(directory):
        tell = partial(on_progress, f"checking {file.path}")
        found = digested(file, directory / file.path, tell)
        if not found.is_same_content(file):
            damaged.add(file.path)
    if damaged != read_damaged(directory):
        _note(directory, damaged)
    if damaged:
        raise not_whole(
            directory,
            f"{', '.join(sorted(damaged))}: the content is not what the pull noted.",
            model,
        )
    check_model_directory(directory, model)
    if not is_gguf_directory(directory) and not is_speech_directory(directory):
        _open_small_files(directory, model)


def _comparable(directory: Path) -> list[RemoteFile]:
    """Files with a noted digest whose size is right; what others lack is seen without it."""
    record = read_record(directory)
    return [
        file
        for file in (record.files if record else ())
        if (file.sha256 or file.git_sha1) and size_bytes(directory / file.path) == file.size_bytes
    ]


def _note(directory: Path, damaged: set[str]) -> None:
    try:
        with FileLock(directory / PULL_LOCK, timeout=0):
            note_damaged(directory, damaged)
    except Timeout as error:
        raise ModelLoadError(
            f"A pull into {directory} is running. Wait for it, and check again.",
            model_id=str(directory),
        ) from error
    except OSError:
        pass  # Where nobody may write, it can be told, but neither noted nor pulled again.


def _open_small_files(directory: Path, model: KnownModel | None) -> None:
    # Both take a while to import, and most commands open no model.
    from kb.models.qwen3_vl.sequence import PromptTokenizer
    from kb.pixels import PixelBudget

    try:
        PromptTokenizer(directory, PixelBudget(), max_length=256)
    except ModelLoadError as error:
        cause = error.__cause__ or str(error).partition(". ")[0]
        found = f"tokenizer.json can't be opened ({cause})."
        raise not_whole(directory, found, model) from error
    for name in _PREPROCESSORS:
        config = read_json(directory / name)
        if not all(isinstance(config.get(key), list) for key in ("image_mean", "image_std")):
            raise not_whole(directory, f"{name} gives no image_mean and image_std.", model)
