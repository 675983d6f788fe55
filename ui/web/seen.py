"""What one person's page shows already, so that a tick of its timer sends changes only."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ingest.progress import Progress
from kb.errors import MassDeleteError

__all__ = ["Seen"]


class Seen:
    """Of one page, since it was opened."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._held: MassDeleteError | None = None
        self._shown: dict[str, str] = {}

    def is_behind(self, progress: Progress, held: MassDeleteError | None) -> bool:
        """Whether something happened since. Each step of a sync tells of itself with an object of
        its own, and each sync that is held."""
        return progress is not self._progress or held is not self._held

    def news(self, part: str, content: str) -> Any:
        """`content`, or nothing where the last tick that had news sent the same for `part`."""
        if self._shown.get(part) == content:
            return gr.skip()
        self._shown[part] = content
        return content

    def list_news(
        self, files: str, progress: Progress, held: MassDeleteError | None, *, is_drawn: bool
    ) -> Any:
        """`files`, the HTML of the list, or nothing where it is shown; the page has seen `progress`
        and `held` then.

        Args:
            is_drawn: Whether somebody chose what the list shows.
        """
        is_first = self._progress is None
        self._progress, self._held = progress, held
        if is_first and is_drawn:
            # The tick may have been sent before that was chosen: it would draw the list as it was
            # asked for then. The next one draws it, for this one has seen nothing.
            self._progress = Progress()
            return gr.skip()
        if progress.running:
            return self.news("files", files)
        # What people do with the list draws it, too: the page may show something else than the
        # last tick sent, and there is no further step that would mend it.
        self._shown["files"] = files
        return files
