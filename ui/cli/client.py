"""The command line's side of the API of a running server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from kb import errors
from kb.config import Home
from kb.errors import ConfigError, KnowledgeBaseError, StoreUnavailableError
from ui.service.server_note import ServerNote

__all__ = ["Client", "find_server"]

_CONNECT_S = 2.0


class Client:
    """Asks a running server. Errors come back as the classes they were raised as."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(None, connect=_CONNECT_S),
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def health(self) -> dict[str, Any] | None:
        """Which home the server has, and its profile; None where none of ours answers."""
        try:
            response = self._http.get("/api/health", timeout=_CONNECT_S)
            told = response.json() if response.is_success else None
        except (httpx.HTTPError, ValueError):
            return None
        return told if isinstance(told, dict) else None

    def search(
        self,
        text: str,
        images: Sequence[Path],
        video: Path | None,
        filters: str,
        top: int | None,
        *,
        as_written: bool = False,
    ) -> dict[str, Any]:
        """See ``POST /api/search``."""
        data: dict[str, Any] = {"text": text, "filters": filters, "as_written": as_written}
        if top is not None:
            data["top"] = top
        return self._json("POST", "/api/search", data=data, files=_files(images, video))

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
    ) -> Iterator[dict[str, Any]]:
        """Lines of ``POST /api/ask``, the last with the answer.

        Raises:
            KnowledgeBaseError: What the server tells; StoreUnavailableError where it ends before
                the answer does.
        """
        is_whole = False
        data = {"text": text, "filters": filters, "as_written": as_written, "turns": turns}
        data["generator"] = generator
        for line in self._stream("/api/ask", data=data, files=_files(images, video)):
            is_whole = "answer" in line
            yield line
        if not is_whole:
            raise self._broken_off("answer")

    def sync(self, request: dict[str, Any], heard: Callable[[dict[str, Any]], None]) -> Any:
        """The report of ``POST /api/sync``; `heard` is told the progress."""
        for line in self._stream("/api/sync", json=request):
            if "report" in line:
                return line["report"]
            heard(line["progress"])
        raise self._broken_off("sync")

    def forget(self, folder: Path) -> int:
        """See ``POST /api/forget``."""
        return int(self._json("POST", "/api/forget", data={"folder": str(folder)})["n_files"])

    def status(self) -> dict[str, Any]:
        """See ``GET /api/status``."""
        return self._json("GET", "/api/status")

    def _json(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            raise _error(response)
        result: dict[str, Any] = response.json()
        return result

    def _stream(self, path: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        try:
            with self._http.stream("POST", path, **arguments) as response:
                if not response.is_success:
                    response.read()
                    raise _error(response)
                for text in response.iter_lines():
                    try:
                        line = json.loads(text)
                    except ValueError as error:
                        raise StoreUnavailableError(
                            f"The server at {self.url} answered {text[:80]!r} where JSON was "
                            "expected. Look at the terminal of `kb up`."
                        ) from error
                    if "error" in line:
                        raise _rebuilt(line["error"])
                    yield line
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _broken_off(self, what: str) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"The server at {self.url} ended in the middle of the {what}. Look at the terminal of "
            "`kb up`, then try again."
        )

    def _unreachable(self, error: Exception) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"The server at {self.url} does not answer ({error}). Look at the terminal of `kb up`."
        )


def find_server(home: Home, profile: str | None = None) -> Client | None:
    """The running server of a home, or None. Close it after use.

    Args:
        profile: That it must answer with; None takes any.

    Raises:
        ConfigError: It answers with another profile.
    """
    note = ServerNote(home).read()
    if note is None:
        return None
    client = Client(*note)
    told = client.health()
    # A note may outlive its server, and another take the port: of another home, or none of ours.
    if told is None or told.get("home") != str(home.path):
        client.close()
        return None
    if profile is not None and told.get("profile") != profile:
        client.close()
        raise ConfigError(
            f"The server of this home ({client.url}) answers with the profile "
            f"{told.get('profile')!r}, and --profile asks for {profile!r}. Leave --profile out, or "
            "end the server first."
        )
    return client


def _files(images: Sequence[Path], video: Path | None) -> list[tuple[str, tuple[str, bytes]]]:
    files = [("image", (path.name, path.read_bytes())) for path in images]
    if video:
        files.append(("video", (video.name, video.read_bytes())))
    return files


def _error(response: httpx.Response) -> KnowledgeBaseError:
    try:
        return _rebuilt(response.json()["error"])
    except (ValueError, KeyError):
        return StoreUnavailableError(
            f"The server answered {response.status_code}: {response.text[:200]}"
        )


def _rebuilt(error: dict[str, str]) -> KnowledgeBaseError:
    kind = getattr(errors, error["type"], StoreUnavailableError)
    if not issubclass(kind, KnowledgeBaseError):
        kind = StoreUnavailableError
    rebuilt: KnowledgeBaseError = kind(error["message"])
    return rebuilt
