"""Pulling a model from a hub: pinned, resumable, every byte checked.

A pull asks the hub once for the files of one commit (the catalog's on Hugging Face, the
newest on ModelScope) and writes them with sizes and digests into ``kb-model.json`` beside
the files. Every later pull of that directory, after an interruption above all, takes exactly
those, until ``--update``. A file is loaded into ``NAME.DIGEST.part`` and gets its name when
its digest is right, so a file under its own name was whole. What has changed since then at the
same size is found by `kb.hub.check`, and pulled again once that has noted it.

The transfer is our own, since huggingface_hub 2.4 throws a part away when a download ends
early (``file_download._download_to_tmp_and_move``): 4 GB of a 4.3 GB file would be lost.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from kb.errors import ModelLoadError
from kb.files import move_whole, size_bytes
from kb.hub.catalog import KnownModel, PinnedFile, PinnedModel
from kb.hub.digests import OnProgress, digested
from kb.hub.files import check_model_directory
from kb.hub.hubs import file_url, is_offline, list_repository, open_client, refusal
from kb.hub.listing import Hub, Listing, RemoteFile
from kb.hub.record import PULL_LOCK, read_damaged, read_record, write_record
from kb.stopping import check, hang_up, interrupted_by, pause
from kb.text.humanize import size_text

__all__ = ["PullPlan", "existing_parent", "plan_pull", "pull", "require_room"]

_SPARE_BYTES = 1_000_000_000
_WAITS_S = (1.0, 2.0, 4.0, 8.0)
_N_DIGEST = 12


@dataclass(frozen=True, slots=True)
class PullPlan:
    """What a pull will do.

    Attributes:
        listing: All files of the model at the pinned commit.
        left: Those that are not here.
        n_bytes_left: To load, without what earlier pulls left in parts.
    """

    model: KnownModel
    directory: Path
    listing: Listing
    left: tuple[RemoteFile, ...]
    n_bytes_left: int

    @property
    def n_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.listing.files)


def plan_pull(
    model: KnownModel, directory: Path, hub: Hub | None = None, *, update: bool = False
) -> PullPlan:
    """Find out what is missing in `directory`. Asks the hub unless an earlier pull has noted
    the files.

    Args:
        hub: None goes on with the hub of the earlier pull, else Hugging Face.
        update: Take the newest commit and note it instead of the pinned one.

    Raises:
        ModelLoadError: The hub can't be reached or refuses, or the network is switched off.
    """
    noted = read_record(directory)
    hub = hub or (noted.hub if noted else Hub.HUGGINGFACE)
    if noted and not update and (noted.hub, noted.repository) == (hub, model.repository):
        listing = noted
    else:
        _require_network(model, directory)
        revision = model.revision if hub is Hub.HUGGINGFACE and not update else None
        with open_client(hub) as client:
            pinned = model.files if isinstance(model, PinnedModel) else ()
            paths = {file.path for file in pinned} if pinned else None
            listing = list_repository(client, hub, model.repository, revision, paths)
            if not update:
                listing = _with_pinned(listing, pinned)
    left = tuple(file for file in listing.files if not _is_here(directory, file, noted))
    parts = (_part(directory, file) for file in left)
    n_loaded = sum(size_bytes(part) or 0 for part in parts)
    n_bytes_left = sum(file.size_bytes for file in left) - n_loaded
    return PullPlan(model, directory, listing, left, max(0, n_bytes_left))


def _with_pinned(listing: Listing, pinned: Sequence[PinnedFile]) -> Listing:
    """`listing` with the digests of the catalog, where that pins any.

    Raises:
        ModelLoadError: The hub lists other content.
    """
    if not pinned:
        return listing
    listed = {file.path: file for file in listing.files}
    for file in pinned:
        found = listed.get(file.path)
        is_same = found is not None and found.size_bytes == file.size_bytes
        if found is None or not is_same or found.sha256 not in (None, file.sha256):
            told = f"{found.size_bytes:,} bytes, sha256 {found.sha256}" if found else "no such file"
            raise ModelLoadError(
                f"{listing.hub.label} lists other content of {listing.repository} than is pinned: "
                f"{file.path} should have sha256 {file.sha256}, found {told}. Pull --from the "
                "other hub, or take what is listed with --update.",
                model_id=listing.repository,
            )
        listed[file.path] = replace(found, sha256=file.sha256, git_sha1=None)
    return replace(listing, files=tuple(listed.values()))


def require_room(plans: Sequence[PullPlan]) -> None:
    """Look whether the disks hold what is left to load, and 1 GB to spare.

    Raises:
        ModelLoadError: One does not.
    """
    needs: dict[int, int] = {}
    for plan in plans:
        place = existing_parent(plan.directory)
        disk = place.stat().st_dev
        needs[disk] = needs.get(disk, 0) + plan.n_bytes_left
        free_bytes = shutil.disk_usage(place).free
        missing = needs[disk] + _SPARE_BYTES - free_bytes
        if plan.n_bytes_left and missing > 0:
            raise ModelLoadError(
                f"The disk of {plan.directory} has {size_text(free_bytes)} free; expected "
                f"{size_text(needs[disk])} for the download and {size_text(_SPARE_BYTES)} to "
                f"spare. Free {size_text(missing)}, or pull to another disk with --to DIR.",
                model_id=plan.model.name,
            )


def pull(plan: PullPlan, on_progress: OnProgress) -> None:
    """Load what is left, check it, and write the record. Within `kb.stopping.stoppable` it can be
    stopped; what is loaded by then stays, and the next pull goes on from there.

    Raises:
        ModelLoadError: The hub can't be reached or refuses, a digest is wrong, the disk is
            full, another pull is running, or what was loaded is no model of its kind.
    """
    directory = plan.directory
    if plan.left:
        _require_network(plan.model, directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with FileLock(directory / PULL_LOCK, timeout=0):
            listing = _pull_files(plan, on_progress)
            write_record(directory, listing)
            _remove_stale_parts(directory)
    except Timeout as error:
        raise ModelLoadError(
            f"Another pull into {directory} is running. Wait for it, or end it and pull again.",
            model_id=plan.model.name,
        ) from error
    except OSError as error:
        raise ModelLoadError(
            f"{directory} can't be written: {error}. Free the disk or choose another place with "
            "--to DIR, and pull again: it goes on where it stopped.",
            model_id=plan.model.name,
        ) from error
    check_model_directory(directory)


def existing_parent(directory: Path) -> Path:
    """`directory`, or the nearest folder above it that is there."""
    return next(path for path in (directory, *directory.parents) if path.exists())


def _pull_files(plan: PullPlan, on_progress: OnProgress) -> Listing:
    """Load the files, the small ones first, and return the listing with every sha256."""
    directory, done = plan.directory, {file.path: file for file in plan.listing.files}
    for file in plan.left:
        # Before the record vouches for it, a file of other content must go.
        (directory / file.path).unlink(missing_ok=True)
    write_record(directory, plan.listing)
    with open_client(plan.listing.hub) as client:
        for file in sorted(plan.left, key=lambda file: file.size_bytes):
            url = file_url(plan.listing, file)
            part = _part(directory, file)
            part.parent.mkdir(parents=True, exist_ok=True)
            _load(client, url, file, part, plan.listing, on_progress)
            on_progress(f"checking {file.path}", 0)
            done[file.path] = _checked(file, part, url)
            move_whole(part, directory / file.path)
    return replace(plan.listing, files=tuple(done.values()))


def _load(
    client: httpx.Client,
    url: str,
    file: RemoteFile,
    part: Path,
    listing: Listing,
    on_progress: OnProgress,
) -> None:
    """Append to `part` until it has all bytes, across broken connections."""
    waits = iter(_WAITS_S)
    while True:
        n_part = size_bytes(part)
        if n_part == file.size_bytes:
            return
        n_had = n_have = n_part or 0
        headers = {"Range": f"bytes={n_have}-"} if 0 < n_have < file.size_bytes else {}
        failure: httpx.Response | httpx.HTTPError
        try:
            with (
                client.stream("GET", url, headers=headers) as response,
                interrupted_by(partial(hang_up, response)),
            ):
                failure = response
                if response.is_success:
                    goes_on = bool(headers) and response.status_code == 206
                    if not goes_on:
                        on_progress(file.path, -n_have)
                        n_had = n_have = 0
                    with part.open("ab" if goes_on else "wb") as output:
                        for block in response.iter_bytes():
                            output.write(block)
                            n_have += len(block)
                            on_progress(file.path, len(block))
                            check()
                    if n_have >= file.size_bytes:
                        return
                elif response.status_code < 500 and response.status_code != 429:
                    raise refusal(listing.hub, listing.repository, response)
        except httpx.RequestError as error:
            check()  # it was us who hung up
            failure = error
            n_have = size_bytes(part) or 0
        if n_have > n_had:
            waits = iter(_WAITS_S)
        wait_s = next(waits, None)
        if wait_s is None:
            raise refusal(listing.hub, listing.repository, failure)
        on_progress(f"no answer, waiting {wait_s:.0f} s", 0)
        pause(wait_s)


def _checked(file: RemoteFile, path: Path, url: str) -> RemoteFile:
    """`file` with its sha256; a file of other content is deleted and named."""
    found = digested(file, path, lambda _: None)
    if not found.is_same_content(file):
        expected = f"sha256 {file.sha256}" if file.sha256 else f"git id {file.git_sha1}"
        told = f"sha256 {found.sha256}" if file.sha256 else f"git id {found.git_sha1}"
        path.unlink()
        raise ModelLoadError(
            f"{file.path} from {url} is damaged: expected {expected}, found {told} "
            f"({found.size_bytes:,} of {file.size_bytes:,} bytes). It was deleted; pull again. "
            "Should it happen again, pull --from the other hub.",
            model_id=url,
        )
    return found


def _is_here(directory: Path, file: RemoteFile, noted: Listing | None) -> bool:
    path = directory / file.path
    if size_bytes(path) != file.size_bytes:
        return False
    known = next((one for one in noted.files if one.path == file.path), None) if noted else None
    is_trusted = file.path not in read_damaged(directory)
    if is_trusted and known is not None and known.is_same_content(file):
        return True
    return digested(file, path, lambda _: None).is_same_content(file)


def _part(directory: Path, file: RemoteFile) -> Path:
    # The digest in the name lets no part go on with another commit's content.
    return directory / f"{file.path}.{(file.git_sha1 or file.sha256 or '')[:_N_DIGEST]}.part"


def _remove_stale_parts(directory: Path) -> None:
    for part in directory.rglob(f"*.{'?' * _N_DIGEST}.part"):
        part.unlink()


def _require_network(model: KnownModel, directory: Path) -> None:
    if is_offline():
        raise ModelLoadError(
            f"{model.name} is not whole in {directory}, and HF_HUB_OFFLINE (or "
            "TRANSFORMERS_OFFLINE) forbids the network. Unset it and pull again, or copy the "
            f"model's directory from another machine to {directory}.",
            model_id=model.name,
        )
