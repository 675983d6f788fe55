"""What two model hubs say of a repository's files, by their HTTP interfaces.

Hugging Face: ``/api/models/ID/revision/REV?blobs=true`` and ``/ID/resolve/REV/PATH``
(https://huggingface.co/docs/hub/api). ModelScope: ``/api/v1/models/ID/repo/files`` and
``/api/v1/models/ID/repo``, as its own client asks them (modelscope/hub/api.py). ModelScope
answers an unknown revision with status 200 and no files.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from kb.errors import ModelLoadError
from kb.hub.listing import Hub, Listing, RemoteFile

__all__ = [
    "endpoint",
    "file_url",
    "is_offline",
    "list_repository",
    "open_client",
    "refusal",
]

_SUFFIXES = {".safetensors", ".json", ".jinja", ".txt", ".model"}
_TIMEOUT = httpx.Timeout(30.0, connect=15.0)


def is_offline() -> bool:
    """Whether ``HF_HUB_OFFLINE`` or ``TRANSFORMERS_OFFLINE`` forbids the network."""
    values = (os.environ.get(name, "") for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    return any(value.strip().upper() in {"1", "ON", "YES", "TRUE"} for value in values)


def endpoint(hub: Hub) -> str:
    """The hub's address: ``HF_ENDPOINT`` or ``MODELSCOPE_ENDPOINT`` where set."""
    if hub is Hub.HUGGINGFACE:
        return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    return (os.environ.get("MODELSCOPE_ENDPOINT") or "https://www.modelscope.cn").rstrip("/")


def open_client(hub: Hub) -> httpx.Client:
    """A client with the user's token for `hub`, which httpx sends to that host only."""
    headers = {"User-Agent": "multimodal-kb", "Accept-Encoding": "identity"}
    if hub is Hub.HUGGINGFACE:
        from huggingface_hub import get_token

        token = get_token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
    return httpx.Client(headers=headers, timeout=_TIMEOUT, follow_redirects=True)


def file_url(listing: Listing, file: RemoteFile) -> str:
    """Where the bytes of `file` are."""
    base = endpoint(listing.hub)
    if listing.hub is Hub.HUGGINGFACE:
        return f"{base}/{listing.repository}/resolve/{file.revision}/{quote(file.path)}"
    query = urlencode({"Revision": file.revision, "FilePath": file.path})
    return f"{base}/api/v1/models/{listing.repository}/repo?{query}"


def list_repository(
    client: httpx.Client,
    hub: Hub,
    repository: str,
    revision: str | None,
    paths: Collection[str] | None = None,
) -> Listing:
    """The files of `repository` at `revision`; None takes the newest.

    Args:
        paths: Those that are wanted; None takes what a checkpoint of transformers is loaded from.

    Raises:
        ModelLoadError: The hub can't be reached, refuses, or has no such revision.
    """
    if hub is Hub.HUGGINGFACE:
        url = f"{endpoint(hub)}/api/models/{repository}/revision/{revision or 'main'}?blobs=true"
    else:
        query = urlencode({"Revision": revision or "master", "Recursive": "true"})
        url = f"{endpoint(hub)}/api/v1/models/{repository}/repo/files?{query}"
    try:
        response = client.get(url)
    except httpx.HTTPError as error:
        raise refusal(hub, repository, error) from error
    if not response.is_success:
        raise refusal(hub, repository, response)
    try:
        answer = response.json()
        listing = (
            _read_hugging_face(repository, answer, paths)
            if hub is Hub.HUGGINGFACE
            else _read_model_scope(repository, answer, paths)
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelLoadError(
            f"{url} answered something else than {hub.label}'s list of files ({error!r}). Look "
            "whether a proxy or a mirror stands in between, and try again.",
            model_id=repository,
        ) from error
    if not listing.files:
        raise ModelLoadError(
            f"{hub.label} has no files of {repository} at revision {revision or 'newest'}. Pull "
            "with --update for its newest revision, or --from the other hub.",
            model_id=repository,
        )
    return listing


def refusal(hub: Hub, repository: str, cause: httpx.Response | httpx.HTTPError) -> ModelLoadError:
    """What to say when the hub can't be reached or says no."""
    base = endpoint(hub)
    other = next(one for one in Hub if one is not hub).value
    if isinstance(cause, httpx.HTTPError):
        message = (
            f"{hub.label} ({base}) can't be reached: {cause or type(cause).__name__}. Look at "
            "the network and pull again: it goes on where it stopped. Or pull with --from "
            f"{other}, or copy the model's directory from another machine."
        )
    elif cause.status_code in (401, 403):
        # Hugging Face answers 401 for a repository that does not exist, too.
        message = (
            f"{hub.label} ({base}) refuses {repository} (HTTP {cause.status_code}): a token is "
            "missing or wrong, or there is no such repository. Set HF_TOKEN to a valid token "
            f"(or unset a wrong one), or pull with --from {other}."
        )
    elif cause.status_code == 404:
        message = (
            f"{hub.label} ({base}) has no {repository} at the pinned revision (HTTP 404). Pull "
            f"with --update for its newest revision, or pull with --from {other}."
        )
    else:
        message = (
            f"{hub.label} ({base}) answered HTTP {cause.status_code} for {repository}. Pull "
            f"again later: it goes on where it stopped. Or pull with --from {other}."
        )
    return ModelLoadError(message, model_id=repository)


def _read_hugging_face(
    repository: str, answer: dict[str, Any], paths: Collection[str] | None
) -> Listing:
    revision = str(answer["sha"])
    files = []
    for item in answer["siblings"]:
        lfs = item.get("lfs") or {}
        if _is_wanted(item["rfilename"], paths):
            files.append(
                RemoteFile(
                    item["rfilename"],
                    int(lfs.get("size") or item["size"]),
                    revision,
                    lfs.get("sha256"),
                    None if lfs else item["blobId"],
                )
            )
    return Listing(Hub.HUGGINGFACE, repository, revision, tuple(files))


def _read_model_scope(
    repository: str, answer: dict[str, Any], paths: Collection[str] | None
) -> Listing:
    data = answer["Data"]
    files = [
        # Each file has the commit that last changed it: asking for that pins its content.
        RemoteFile(item["Path"], int(item["Size"]), item["Revision"], item["Sha256"])
        for item in data["Files"] or ()
        if item["Type"] != "tree" and _is_wanted(item["Path"], paths)
    ]
    head = data.get("LatestCommitter") or {}
    revision = str(head.get("Id") or "")
    if not revision:
        short = str(head.get("ShortId") or "-")
        revisions = (str(item.get("Revision")) for item in data["Files"] or ())
        revision = next((one for one in revisions if one.startswith(short)), "master")
    return Listing(Hub.MODELSCOPE, repository, revision, tuple(files))


def _is_wanted(path: str, paths: Collection[str] | None) -> bool:
    """Whether a model is loaded from it: weights, configuration, tokenizer, template; never a
    path that leads out of the directory."""
    pure = PurePosixPath(path)
    is_inside = not (pure.is_absolute() or ".." in pure.parts or "\\" in path or ":" in path)
    return is_inside and (pure.suffix in _SUFFIXES if paths is None else path in paths)
