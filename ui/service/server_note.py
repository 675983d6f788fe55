"""How the command line finds the server of a home."""

from __future__ import annotations

import json
import os
from contextlib import suppress

from kb.config import Home
from kb.files import write_whole
from kb.private import private_folder

__all__ = ["ServerNote"]


class ServerNote:
    """The file that tells the command line where the server of a home listens.

    It holds a token, is readable by its user alone, and goes when the server ends.
    """

    def __init__(self, home: Home) -> None:
        self.path = home.index / "server.json"

    def write(self, url: str, token: str) -> None:
        """Write the note."""
        private_folder(self.path.parent)
        write_whole(self.path, json.dumps({"url": url, "token": token, "pid": os.getpid()}))

    def read(self) -> tuple[str, str] | None:
        """``(url, token)``, or None where no server left a note."""
        try:
            note = json.loads(self.path.read_text("utf-8"))
            return str(note["url"]), str(note["token"])
        except (OSError, ValueError, KeyError):
            return None

    def remove(self) -> None:
        """Remove the note."""
        with suppress(OSError):
            self.path.unlink()
