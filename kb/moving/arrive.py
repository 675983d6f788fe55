"""Taking in an export or a backup: all of it, or nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from kb.arrival import arrived, arriving, finish_import
from kb.config import Config, Home
from kb.config.loading import load_config, own_settings
from kb.errors import ArchiveError, ConfigError, StoreError, StoreInUseError
from kb.files import settle_tree, sync_folder
from kb.index.assets import AssetStore
from kb.index.ledger.damage import ERRORS, told
from kb.index.ledger.schema import SCHEMA_VERSION
from kb.index.store.edge import EdgeStore
from kb.index.store.generations import Generations, Meta
from kb.index.store.lock import acquire
from kb.index.store.place import StorePlace
from kb.index.store.schema import CollectionSchema
from kb.models.factory import Models
from kb.moving.backup import BackupArchive
from kb.moving.export import Listen
from kb.moving.ledger import take_ledger
from kb.moving.manifest import LEDGER, SETTINGS, Manifest, Member
from kb.moving.reading import Archive, ZipArchive, verified
from kb.private import private_folder

__all__ = ["Imported", "import_library", "open_archive"]

# What a home needs beyond what is unpacked, to work at all.
_SPARE_BYTES = 64 << 20
_HOLE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought, or would bring.

    Attributes:
        config: Under which it answers.
        has_vectors: Whether the vectors came along and fit the encoders of `config`; else they
            are made anew from the ledger, and no file is read for it.
        keeps_settings: Whether the home has a ``kb.yaml`` of its own, which stays.
    """

    manifest: Manifest
    config: Config
    has_vectors: bool
    keeps_settings: bool

    @property
    def leads_to(self) -> tuple[str, ...]:
        """Addresses of servers and folders that the settings which came along name, for whoever
        was given the file by another."""
        if self.keeps_settings:
            return ()
        config = self.config
        parts = (config.encoder, config.reranker, config.generator, config.store)
        addresses = (getattr(part, "url", None) for part in parts)
        folders = map(str, config.ingest.roots)
        return (*dict.fromkeys(filter(None, addresses)), *folders)

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables of the environment that the settings which came along read keys from, with
        their ``$``: what they hold here is sent to servers of `leads_to`."""
        if self.keeps_settings:
            return ()
        config = self.config
        parts = (config.encoder, config.reranker, config.generator, config.store)
        keys = (getattr(part, "api_key", None) or "" for part in parts)
        return tuple(dict.fromkeys(key for key in keys if key.startswith("$")))


def open_archive(path: Path) -> Archive:
    """An export, the newest state of a backup, or one of its others by the file that tells it.

    Raises:
        ArchiveError: It is neither, is damaged, or of a newer version.
    """
    if path.is_dir() or (path.suffix == ".json" and path.is_file()):
        return BackupArchive(path)
    return ZipArchive(path)


def import_library(
    home: Home, path: Path, profile: str | None, *, is_tried: bool, listen: Listen
) -> Imported:
    """Put what an export or a backup holds into `home`, which must be empty: everything is read
    and checked first, and appears at once.

    Args:
        profile: That it is to answer with; None takes that of the settings, else that of the index.
        is_tried: Check everything, tell, and change nothing.

    Raises:
        ArchiveError: It is damaged, of a newer version, or there is no room for it.
        ConfigError: The home is not empty, or a setting is not accepted.
        ModelLoadError: The profile's model is not on this machine.
        StoreInUseError: A server has the home open.
    """
    finish_import(home)
    with closing(open_archive(path.expanduser().resolve())) as archive:
        manifest = archive.manifest
        if manifest.ledger_version > SCHEMA_VERSION:
            raise ArchiveError(
                f"{path} was made by a newer version: its ledger has version "
                f"{manifest.ledger_version}, this program knows up to {SCHEMA_VERSION}. Update the "
                "program, then try again."
            )
        _require_empty(home)
        _require_room(home, manifest)
        with _staged(home, is_tried=is_tried) as staged:
            n_done = 0
            for member in manifest.members:
                listen("Checking" if is_tried else "Importing", n_done, manifest.n_bytes)
                is_needed = member.name in (LEDGER, SETTINGS, "index/remote_encoder.json")
                if is_tried and not is_needed:
                    for _ in verified(archive, member):
                        pass
                else:
                    _unpack(archive, member, staged.path)
                n_done += member.size_bytes
            take_ledger(staged.ledger, path, manifest, home)
            keeps_settings = home.config.exists()
            if keeps_settings:
                (staged.path / SETTINGS).unlink(missing_ok=True)
            config = _config(home if keeps_settings else staged, manifest, profile)
            has_vectors = _fits(staged, config, manifest)
            if not is_tried:
                has_vectors = has_vectors and _keep_vectors(staged, config)
                if not has_vectors:
                    shutil.rmtree(staged.shard, ignore_errors=True)
                if manifest.n_documents:
                    staged.note_profile(config.profile)
                settle_tree(staged.path)
                _require_unused(home, config)
                staged.path.replace(arrived(home))
                sync_folder(home.path)
                finish_import(home)
    return Imported(manifest, config, has_vectors, keeps_settings)


# -- before anything is unpacked -----------------------------------------------------------------


def _require_empty(home: Home) -> None:
    holds = ""
    if home.library.is_symlink():
        holds = "its library is a link"
    elif home.library.is_dir() and any(home.library.iterdir()):
        holds = "its library has files"
    elif _has_rows(home.ledger):
        holds = "its index has documents or conversations"
    if holds:
        raise ConfigError(
            f"{home.path} is no empty home: {holds}. What is there would be mixed with what comes. "
            "Name a new folder with --home."
        )


def _has_rows(ledger: Path) -> bool:
    if not ledger.exists():
        return False
    try:
        with closing(sqlite3.connect(ledger)) as db:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
            return any(
                db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608
                for table in ("documents", "paths", "conversations")
                if table in tables
            )
    except ERRORS as error:
        raise told(error, ledger) or error from error


def _require_room(home: Home, manifest: Manifest) -> None:
    place = next(path for path in (home.path, *home.path.parents) if path.is_dir())
    free, needed = shutil.disk_usage(place).free, manifest.n_bytes + _SPARE_BYTES
    if free < needed:
        raise ArchiveError(
            f"The disk of {home.path} has {free >> 20:,} MiB free, and {needed >> 20:,} MiB are "
            "needed. Nothing was changed. Free some space, or name a home on another disk."
        )


@contextmanager
def _staged(home: Home, *, is_tried: bool) -> Iterator[Home]:
    """A folder to unpack to, which is gone afterwards where it is not in its place."""
    if is_tried:
        try:
            with tempfile.TemporaryDirectory(prefix="kb-import-") as temporary:
                yield Home(Path(temporary), home.models)
        except OSError as error:
            raise ArchiveError(
                f"The ledger could not be looked at in {tempfile.gettempdir()}: {error}. Free some "
                "space there, or name another folder with TMPDIR."
            ) from error
        return
    is_new = not home.path.exists()
    folder = arriving(home)
    lock = FileLock(f"{folder}.lock", thread_local=False)
    try:
        if is_new:
            private_folder(home.path)
        lock.acquire(timeout=0)
        try:
            # Of an import that was ended in the middle.
            shutil.rmtree(folder, ignore_errors=True)
            private_folder(folder)
            yield Home(folder, home.models)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)
            if is_new and not any(home.path.iterdir()):
                home.path.rmdir()
    except Timeout as error:
        raise StoreInUseError(
            f"Another import into {home.path} is under way. Wait for it to end."
        ) from error
    except OSError as error:
        raise ArchiveError(
            f"{home.path} can't be written: {error}. Nothing was changed. Free some space, or see "
            "to the folder's permissions, then try again."
        ) from error


# -- while it is unpacked ------------------------------------------------------------------------


def _unpack(archive: Archive, member: Member, folder: Path) -> None:
    path = folder / member.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError as error:
        raise ArchiveError(
            f"{member.name!r} has the name of another file on this disk, which does not tell upper "
            "case from lower case. Nothing was changed. Rename one where it was made."
        ) from error
    # Buffered: unbuffered, a disk that fills up takes part of a write and says nothing.
    with open(descriptor, "wb") as file:
        for block in verified(archive, member):
            for start in range(0, len(block), _HOLE_BYTES):
                part = block[start : start + _HOLE_BYTES]
                if part.strip(b"\0"):
                    file.write(part)
                else:
                    # A store allots files that stay mostly empty.
                    file.seek(len(part), os.SEEK_CUR)
        file.truncate(member.size_bytes)
    os.utime(path, ns=(member.mtime_ns, member.mtime_ns))


def _config(place: Home, manifest: Manifest, profile: str | None) -> Config:
    named = profile or own_settings(place).get("profile") or manifest.profile
    return load_config(place, None if named is None else str(named))


def _schema(staged: Home, config: Config) -> CollectionSchema:
    encoders = Models(staged, config, AssetStore(staged.assets)).encoders()
    return CollectionSchema.of(encoders, config.store)


def _fits(staged: Home, config: Config, manifest: Manifest) -> bool:
    """Whether the vectors that come along are those that `config` would make."""
    if manifest.identity is None or config.store.url is not None:
        return False
    return _schema(staged, config).mismatch(manifest.identity) is None


def _keep_vectors(staged: Home, config: Config) -> bool:
    """Have the vectors that came answer; False where they can't be opened."""
    shards = list(staged.shard.glob("shard-*"))
    if len(shards) != 1:
        return False
    schema = _schema(staged, config)
    Generations(staged.shard).write(Meta(schema.identity, shards[0].name))
    try:
        # Of another version of the engine, say, or of another kind of machine.
        EdgeStore.open(staged.shard, schema).close()
    except StoreError:
        return False
    StorePlace(staged, config).note_unchecked()
    return True


def _require_unused(home: Home, config: Config) -> None:
    folder = StorePlace(home, config).folder()
    if folder is not None and folder.exists():
        acquire(folder).release()
