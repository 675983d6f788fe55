"""Messages without the server's paths, for programs elsewhere."""

from __future__ import annotations

from pathlib import Path

from kb.errors import KnowledgeBaseError
from ui.service.service import Service

__all__ = ["Shown"]


class Shown:
    """Makes a message one that anybody may read: of the home and of the folders that are indexed
    in place it keeps the last name alone.

    Args:
        service: Whose folders they are.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def __call__(self, text: str) -> str:
        """`text` without paths of the server above its own folders."""
        if "/" not in text and "\\" not in text:
            return text
        for path in self._folders():
            text = text.replace(str(path), path.name)
        return text

    def _folders(self) -> list[Path]:
        home = self._service.home.path
        try:
            roots = self._service.syncer.roots()
        except KnowledgeBaseError:  # a message about the ledger that they stand in
            roots = ()
        own = [home, home.resolve(), *roots]
        return sorted(dict.fromkeys(own), key=lambda path: -len(str(path)))
