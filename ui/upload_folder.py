"""Files that a page uploaded: what Gradio keeps of them, and nothing beside it.

A page names its uploads by their path on this machine. Whatever it names is looked at here before
anything is opened: it lies in Gradio's upload folder, as Gradio puts it there, or it is refused.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from gradio.utils import get_upload_folder

__all__ = ["is_uploaded"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_uploaded(path: str) -> bool:
    """Whether `path` is a file of the upload folder, reached without following a link."""
    return _place(path) is not None


def _place(path: str) -> Path | None:
    """Where a file of the upload folder lies: ``FOLDER/sha256/name``; None for all else."""
    folder = os.path.realpath(get_upload_folder())
    try:
        real = Path(os.path.realpath(path, strict=True))
        named = Path(os.path.realpath(Path(path).parent.parent), *Path(path).parts[-2:])
    except (OSError, ValueError):
        return None
    is_there = (
        os.path.isabs(path)  # noqa: PTH117 - `path` is not trusted to be one
        and real == named
        and str(real.parent.parent) == folder
        and _SHA256.fullmatch(real.parent.name) is not None
        and real.is_file()
    )
    return real if is_there else None
