"""How far something is that takes long, on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from kb.text.humanize import duration_text, size_text, timestamp
from ui.printable import printable

__all__ = ["BytesDisplay", "ProgressBar", "SyncDisplay"]

Json = dict[str, Any]
_N_STEPS = 10
_MAX_DOING_CHARS = 32
_MAX_CURRENT_CHARS = 60


class ProgressBar:
    """A bar where stderr is a terminal; elsewhere nothing.

    Args:
        doing: What is done first.
        columns: What stands behind the bar; `MofNCompleteColumn` and the time that is left where
            nothing is given.
        n_total: How much there is to do; None is not yet known.
        fields: What `columns` show beside numbers, at first.
    """

    def __init__(
        self, doing: str, *columns: ProgressColumn, n_total: int | None = None, **fields: str
    ) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=24),
            *(columns or (MofNCompleteColumn(), TimeRemainingColumn())),
            console=self._console,
            transient=True,
        )
        first: dict[str, Any] = {**fields}
        self._task = self._bar.add_task(doing, total=n_total, **first)

    @property
    def is_shown(self) -> bool:
        """Whether there is a terminal for it."""
        return self._console.is_terminal

    def __enter__(self) -> Self:
        if self.is_shown:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Stopping prints a line, even where nothing was started.
        if self.is_shown:
            self._bar.stop()

    def at(self, n_done: int, n_total: int | None, doing: str = "", **fields: str) -> None:
        """Show how far it is. Texts are shown as they are written, and give no orders."""
        shown: dict[str, Any] = {name: escape(printable(text)) for name, text in fields.items()}
        if doing:
            shown["description"] = escape(printable(doing))
        self._bar.update(self._task, completed=n_done, total=n_total, **shown)


class SyncDisplay(ProgressBar):
    """The file that is read, how many there are, their rate and the time that is left."""

    def __init__(self) -> None:
        super().__init__(
            "Looking",
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TextColumn("{task.fields[current]}", style="dim"),
            pace="",
            current="",
        )

    def show(self, progress: Json) -> None:
        """Show one look at a sync."""
        name = {"scan": "Looking", "read": "Reading", "tidy": "Tidying"}.get(progress["stage"])
        if name is None:
            return
        pace = ""
        if progress["rate_per_s"]:
            pace = f"{progress['rate_per_s']:.1f}/s"
        if progress["eta_s"] is not None:
            pace += f", {duration_text(progress['eta_s'])} left"
        current = progress["current"][-_MAX_CURRENT_CHARS:]
        if progress.get("heard_s") is not None:
            current += f", heard to {timestamp(progress['heard_s'])}"
        self.at(progress["n_done"], progress["n_total"] or None, name, pace=pace, current=current)


class BytesDisplay(ProgressBar):
    """Bytes that are loaded or read; where there is no terminal a line for each tenth, for logs."""

    def __init__(self, n_bytes: int) -> None:
        columns = DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
        super().__init__("Starting", *columns, n_total=n_bytes)
        self._n_bytes = n_bytes
        self._n_done = 0
        self._step = 0

    def show(self, doing: str, n_bytes: int) -> None:
        """Show what is done now and add the bytes that were loaded or read."""
        self._n_done += n_bytes
        if self.is_shown:
            short = doing if len(doing) <= _MAX_DOING_CHARS else f"…{doing[1 - _MAX_DOING_CHARS :]}"
            self.at(self._n_done, self._n_bytes, short)
            return
        step = _N_STEPS * self._n_done // max(1, self._n_bytes)
        if step > self._step:
            self._step = step
            self._console.print(
                f"{100 * step // _N_STEPS:>4} %  {size_text(self._n_done)} of "
                f"{size_text(self._n_bytes)}  {escape(doing)}",
                highlight=False,
                soft_wrap=True,
            )
