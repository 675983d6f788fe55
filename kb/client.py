"""A client of a running ``kb up``, for programs in Python: ``from kb.client import Client``.

It speaks ``/api/v1`` and gives its answers as that describes them (``/api/v1/docs``): JSON as
dictionaries. Nothing of the index is imported, so it starts at once and needs no model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Literal, NamedTuple, Self
from urllib.parse import quote

import httpx

from kb.client_errors import (
    SHOWN_CHARS,
    AnswerBrokenOffError,
    ClientError,
    NotFoundError,
    NotLetInError,
    RequestRefusedError,
    ServerFailedError,
    TooManyRequestsError,
    UnreachableError,
    broken_off,
    error_of,
)

__all__ = [
    "NEW",
    "AnswerBrokenOffError",
    "Client",
    "ClientError",
    "Event",
    "NotFoundError",
    "NotLetInError",
    "RequestRefusedError",
    "ServerFailedError",
    "TooManyRequestsError",
    "UnreachableError",
]

Json = dict[str, Any]
File = str | Path | tuple[str, bytes]
"""The path of a file, or a name and bytes."""

NEW: Final = "new"
"""In place of a conversation's id: the question begins one."""

_V1 = "/api/v1"
_CONNECT_S = 10.0


class Event(NamedTuple):
    """A piece of an answer as it comes.

    Attributes:
        name: ``turn``, ``understood``, ``draft``, ``delta``, ``citation``, ``claim``, last
            ``done``, whose data is what `Client.ask` returns.
    """

    name: str
    data: Json


class Client:
    """A connection with a running server. Close it after use, or use it in a ``with``.

    Every method raises a `ClientError`.

    Args:
        url: Of the server, as ``http://127.0.0.1:7860``.
        token: Of ``kb token create``; it reads, adds or deletes as its scopes say.
        password: The server's, where no token is at hand.
        timeout_s: Between two pieces of an answer; None waits as long as it takes.
        transport: Another way to reach it than the network.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:7860",
        token: str = "",
        *,
        password: str = "",
        timeout_s: float | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        # With what is not a GET: no web page can send it in a program's place.
        headers = {"X-KB-Request": "1"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            base_url=url,
            headers=headers,
            auth=httpx.BasicAuth("kb", password) if password and not token else None,
            timeout=httpx.Timeout(timeout_s, connect=_CONNECT_S),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    # -- questions -----------------------------------------------------------------------

    def search(
        self,
        text: str = "",
        *,
        images: Sequence[File] = (),
        video: File | None = None,
        filters: Mapping[str, Any] | None = None,
        top: int | None = None,
    ) -> Json:
        """Pages, pictures and clips, best first, under ``results``.

        Args:
            images: Pictures to look for.
            video: A clip to look for.
            filters: ``folder``, ``kind``, ``source``, ``after_ns``, ``before_ns``.
            top: How many.
        """
        fields = _fields(text=text, filters=filters, top=top)
        with _body(fields, images, video) as body:
            return self._json("POST", "/search", **body)

    def ask(
        self,
        text: str = "",
        *,
        images: Sequence[File] = (),
        video: File | None = None,
        filters: Mapping[str, Any] | None = None,
        turns: Sequence[Mapping[str, Any]] = (),
        conversation: str | None = None,
        quotes_only: bool = False,
    ) -> Json:
        """The whole answer: ``answer``, ``status``, ``citations`` and more.

        Args:
            images: As of `search`, likewise `video` and `filters`.
            turns: Earlier answers that it goes on from, in order; not with `conversation`.
            conversation: The id of one that the server keeps, to ask within; `NEW` begins one,
                whose id is the answer's ``conversation_id``. None keeps nothing.
            quotes_only: No text that a model writes.
        """
        path = _asked_at(conversation)
        fields = _fields(text=text, filters=filters, turns=[*turns], quotes_only=quotes_only)
        with _body(fields, images, video) as body:
            return self._json("POST", path, **body)

    def ask_events(
        self,
        text: str = "",
        *,
        images: Sequence[File] = (),
        video: File | None = None,
        filters: Mapping[str, Any] | None = None,
        turns: Sequence[Mapping[str, Any]] = (),
        conversation: str | None = None,
        quotes_only: bool = False,
    ) -> Iterator[Event]:
        """An answer as it is written. Ending the loop stops it. See `ask`."""
        path = _asked_at(conversation)
        fields = _fields(
            text=text, filters=filters, turns=[*turns], quotes_only=quotes_only, stream=True
        )
        name, is_whole = "", False
        with (
            _body(fields, images, video) as body,
            _reaching(self._http.base_url),
            self._http.stream("POST", _V1 + path, **body) as response,
        ):
            if not response.is_success:
                response.read()
                raise error_of(response)
            for line in response.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    event = Event(name, json.loads(value))
                    if name == "error":
                        raise broken_off(response, event.data)
                    is_whole = name == "done"
                    yield event
        if not is_whole:
            raise UnreachableError(
                f"The server at {self._http.base_url} ended in the middle of an answer. Look at "
                "its log, then ask again."
            )

    def passage(self, id: str) -> Json:
        """The whole of what a citation or a result shows."""
        return self._json("GET", f"/passages/{quote(id, safe='')}")

    # -- documents -----------------------------------------------------------------------

    def upload(self, *files: File) -> Json:
        """Add files to the library: ``documents`` with their ids, and what was ``refused``. The
        same bytes again are the same document."""
        with ExitStack() as opened:
            parts = [("file", _opened(opened, file)) for file in files]
            return self._json("POST", "/documents", files=parts)

    def documents(self, *, status: str = "", kind: str = "", name: str = "") -> Iterator[Json]:
        """Every file, by path.

        Args:
            status: Only such: ``indexed``, ``partial``, ``failed``, ``waiting``, ``indexing``.
            kind: Only such, as ``pdf``.
            name: Only those whose path contains it.
        """
        asked = {"status": status, "kind": kind, "name": name}
        return self._pages("/documents", "documents", asked)

    def document(self, id: str) -> Json:
        """A document, also while it waits to be indexed."""
        return self._json("GET", f"/documents/{quote(id, safe='')}")

    def delete_document(self, id: str) -> Json:
        """Delete a document's files from the library, and it from the index."""
        return self._json("DELETE", f"/documents/{quote(id, safe='')}")

    def retry(self, *sources: str) -> None:
        """Have failed files read again, in the background: these, or all."""
        self._request("POST", "/documents/retry", json={"sources": [*sources]})

    def status(self) -> Json:
        """Counts, sizes, and how far a running sync has come."""
        return self._json("GET", "/status")

    # -- conversations -------------------------------------------------------------------

    def conversations(self, text: str = "") -> Iterator[Json]:
        """Conversations without their turns: those that are pinned, then the latest first.

        Args:
            text: Words that the title or a turn holds; empty for all.
        """
        return self._pages("/conversations", "conversations", {"text": text})

    def conversation(self, id: str, last: int = 50) -> Json:
        """A conversation with its `last` turns, 200 at most, and what they cite."""
        return self._json("GET", _conversation(id), params={"last": last})

    def rename_conversation(self, id: str, title: str) -> Json:
        """Give a conversation another title."""
        return self._json("PATCH", _conversation(id), json={"title": title})

    def delete_conversation(self, id: str) -> Json:
        """Delete a conversation."""
        return self._json("DELETE", _conversation(id))

    def export_conversation(self, id: str, format: Literal["md", "json"] = "md") -> str:
        """A whole conversation as Markdown or as JSON, to be kept."""
        return self._request("GET", f"{_conversation(id)}/export", params={"format": format}).text

    # -- how it is asked -----------------------------------------------------------------

    def _pages(self, path: str, items: str, asked: Mapping[str, str]) -> Iterator[Json]:
        params: dict[str, str | int] = {key: value for key, value in asked.items() if value}
        n_seen = 0
        while True:
            page = self._json("GET", path, params=params | {"limit": 200, "offset": n_seen})
            yield from page[items]
            n_seen += len(page[items])
            if page["next"] is None:
                return

    def _json(self, method: str, path: str, **sent: Any) -> Json:
        response = self._request(method, path, **sent)
        try:
            answer: Json = response.json()
        except ValueError as error:
            raise ServerFailedError(
                f"The server at {self._http.base_url} answered {response.text[:SHOWN_CHARS]!r} "
                "where JSON was expected. Is it `kb up`?",
                status=response.status_code,
            ) from error
        return answer

    def _request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        with _reaching(self._http.base_url):
            response = self._http.request(method, _V1 + path, **sent)
        if not response.is_success:
            raise error_of(response)
        return response


def _asked_at(conversation: str | None) -> str:
    if conversation is None:
        return "/ask"
    return "/conversations" if conversation == NEW else f"{_conversation(conversation)}/ask"


def _conversation(id: str) -> str:
    return f"/conversations/{quote(id, safe='')}"


def _fields(**fields: Any) -> Json:
    """Those that were given."""
    return {
        name: value
        for name, value in fields.items()
        if value is not None and value is not False and value != []
    }


@contextmanager
def _body(fields: Json, images: Sequence[File], video: File | None) -> Iterator[Json]:
    """What is sent of a question: JSON, or a form where files come along."""
    if not images and video is None:
        yield {"json": fields}
        return
    told = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fields.items()
    }
    with ExitStack() as opened:
        files = [("images", _opened(opened, image)) for image in images]
        if video is not None:
            files.append(("video", _opened(opened, video)))
        yield {"data": told, "files": files}


def _opened(stack: ExitStack, file: File) -> tuple[str, bytes | BinaryIO]:
    if isinstance(file, tuple):
        return file
    path = Path(file)
    try:
        return path.name, stack.enter_context(path.open("rb"))
    except OSError as error:
        raise RequestRefusedError(f"{path} can't be read ({error.strerror}).") from error


@contextmanager
def _reaching(url: httpx.URL) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise UnreachableError(
            f"The server at {url} does not answer ({error}). Is `kb up` running there?"
        ) from error
