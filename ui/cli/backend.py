"""Where a command runs: in this process, or in the server that has the index open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from kb.config import Config, Home
from kb.errors import StoreInUseError
from ui.cli.client import Client, find_server

__all__ = ["Backend", "open_backend"]

Json = dict[str, Any]


class Backend(Protocol):
    """What commands need; values are those of `ui.service.wire`."""

    def search(
        self,
        text: str,
        images: Sequence[Path],
        video: Path | None,
        filters: str,
        top: int | None,
        *,
        as_written: bool = False,
    ) -> Json: ...

    def ask(
        self,
        text: str,
        images: Sequence[Path],
        video: Path | None,
        filters: str,
        *,
        as_written: bool = False,
        turns: str = "[]",
        generator: str = "",
    ) -> Iterator[Json]: ...

    def sync(self, request: Json, heard: Callable[[Json], None]) -> Any: ...

    def forget(self, folder: Path) -> int: ...

    def status(self) -> Json: ...


class _Local:
    def __init__(self, home: Home, config: Config, *, rebuild: bool) -> None:
        from ui.cli.collector import calm_collector
        from ui.service.service import Service

        self.service = Service(home, config, rebuild=rebuild)
        calm_collector()

    def search(
        self,
        text: str,
        images: Sequence[Path],
        video: Path | None,
        filters: str,
        top: int | None,
        *,
        as_written: bool = False,
    ) -> Json:
        from ui.service.wire import parse_filters, search_json

        query = self.service.make_query(
            text, images, video, parse_filters(filters), as_written=as_written
        )
        return search_json(self.service.search(query, top), self.service.kb.assets)

    def ask(
        self,
        text: str,
        images: Sequence[Path],
        video: Path | None,
        filters: str,
        *,
        as_written: bool = False,
        turns: str = "[]",
        generator: str = "",
    ) -> Iterator[Json]:
        from ui.service.conversation import parse_turns
        from ui.service.wire import answer_lines, parse_filters

        earlier = parse_turns(turns)
        query = self.service.make_query(
            text, images, video, parse_filters(filters), as_written=as_written
        )
        query = self.service.understood(query, earlier)
        return answer_lines(query, self.service.ask(query, generator), self.service.kb.assets)

    def sync(self, request: Json, heard: Callable[[Json], None]) -> Any:
        from ui.service.wire import progress_json, sync_json

        retry = request["retry"]
        report = self.service.sync(
            [Path(folder) for folder in request["folders"]],
            dry_run=request["dry_run"],
            allow_mass_delete=request["allow_mass_delete"],
            retry=None if retry is None else frozenset(retry),
            listen=lambda progress: heard(progress_json(progress)),
        )
        return sync_json(report)

    def forget(self, folder: Path) -> int:
        return self.service.syncer.forget(folder)

    def status(self) -> Json:
        from ui.service.wire import status_json

        return status_json(self.service.status())


@contextmanager
def open_backend(
    home: Home, config: Config, profile: str | None = None, *, rebuild: bool = False
) -> Iterator[Backend]:
    """The running server of `home`, else the index itself.

    Args:
        profile: That was asked for by name; None takes the one that answers.

    Raises:
        ConfigError: The server answers with another profile.
        StoreInUseError: Another process has the index open, or `rebuild` while a server runs.
    """
    server: Client | None = find_server(home, profile)
    if server is not None:
        with closing(server):
            if rebuild:
                raise StoreInUseError(
                    f"A server runs on this home ({server.url}). End it first, then rebuild."
                )
            yield server
        return
    local = _Local(home, config, rebuild=rebuild)
    try:
        yield local
    finally:
        local.service.close()
