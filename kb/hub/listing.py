"""What is known of a repository's files, wherever it was heard; nothing here needs a network, so
that looking for a model on this machine loads no HTTP client."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Hub", "Listing", "RemoteFile"]


class Hub(StrEnum):
    """Where models are pulled from."""

    HUGGINGFACE = "huggingface"
    MODELSCOPE = "modelscope"

    @property
    def label(self) -> str:
        """As people write it."""
        return "Hugging Face" if self is Hub.HUGGINGFACE else "ModelScope"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository at one commit.

    Attributes:
        path: Relative, with forward slashes.
        revision: The commit to ask for it.
        sha256: Hex digest, where the hub gives one.
        git_sha1: Git's blob id, which Hugging Face gives for small files instead.
    """

    path: str
    size_bytes: int
    revision: str
    sha256: str | None = None
    git_sha1: str | None = None

    def is_same_content(self, other: RemoteFile) -> bool:
        """Whether a digest says so."""
        return (self.sha256 is not None and self.sha256 == other.sha256) or (
            self.git_sha1 is not None and self.git_sha1 == other.git_sha1
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository that a model needs, at one commit."""

    hub: Hub
    repository: str
    revision: str
    files: tuple[RemoteFile, ...]
