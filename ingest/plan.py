"""What a sync has to do, decided before anything is changed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ingest.clean import clean_text
from ingest.companions import split_by_size
from ingest.digests import Digests, StoppedError
from ingest.failures import BugLog, ParserBugError, is_of_one_file, unforeseen
from ingest.fingerprint import document_fingerprint, failure_fingerprint
from ingest.looking import Look, look_at_all
from ingest.parsers import parser_for
from ingest.scan import (
    LEADS_OUT,
    Found,
    check_place,
    is_unchanged,
    walk,
)
from ingest.workers import Workers
from kb.config import IngestConfig
from kb.errors import ConfigError, IngestError, MassDeleteError, ParseError
from kb.index.ledger import DocumentStatus, Ledger, PathRecord, Shared, Standing
from kb.types import Kind, Outcome, Source, SourceOutcome

__all__ = ["NOTHING_DECIDED", "Decided", "Job", "Plan", "Scope", "make_plan"]

_HASH_THREADS = 4


@dataclass(frozen=True, slots=True)
class Decided:
    """What somebody decided of files that are gone, each ``(root, path)``.

    Attributes:
        removed: They leave the index, however many they are.
        kept: The index keeps what it holds of them, and the sync goes on with all else.
    """

    removed: frozenset[tuple[str, str]] = frozenset()
    kept: frozenset[tuple[str, str]] = frozenset()


NOTHING_DECIDED = Decided()


@dataclass(frozen=True, slots=True)
class Scope:
    """A root, or a folder below it: `prefix` ends with a slash, or is empty for the whole."""

    root: Path
    prefix: str = ""


@dataclass(slots=True)
class Job:
    """A content to parse once, for all files that hold it.

    Attributes:
        source: One of those files.
        paths: How each is to be written down.
        outcomes: What to report of each when it succeeds, ADDED or UPDATED, in order.
    """

    source: Source
    fingerprint: str
    paths: list[PathRecord] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What a sync has to do.

    Attributes:
        settled: Outcomes that need no reading.
        paths: Files to write down whose document is already indexed, or can't be read.
        jobs: Contents to parse.
        removed: Files that are gone, as ``(root, path)``.
    """

    settled: list[SourceOutcome] = field(default_factory=list)
    paths: list[PathRecord] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)

    def foreseen(self) -> list[SourceOutcome]:
        """What is to be told of every file, as far as it is known before any is read."""
        reads = (
            SourceOutcome(path.path, outcome)
            for job in self.jobs
            for path, outcome in zip(job.paths, job.outcomes, strict=True)
        )
        return [*self.settled, *reads]


@dataclass(frozen=True, slots=True)
class _Hashed:
    found: Found
    known: PathRecord | None
    path: PathRecord
    source: Source | None


def make_plan(
    ledger: Ledger,
    scopes: Sequence[Scope],
    config: IngestConfig,
    *,
    allow_mass_delete: bool = False,
    decided: Decided = NOTHING_DECIDED,
    retry: frozenset[str] | None = None,
    bugs: BugLog,
    workers: Workers,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Plan:
    """Walk the scopes and compare them with the ledger. Changes nothing.

    Args:
        decided: What was decided of files that are gone; of the others it asks.
        is_stopped: Asked while files are hashed; the plan is then one to do nothing.
        workers: In which files are looked at that are new, changed or to be read again.
        bugs: Told of files that can't be looked at for a reason that nobody foresaw.
        retry: Failed and partial files to read again, by path relative to their root; empty
            means all of them, None means none.

    Raises:
        MassDeleteError: A root is missing, or more than half of it would be removed.
        ConfigError: A root is missing of which nothing is indexed.
    """
    plan = Plan()
    planner = _Planner(ledger, config, retry, plan, bugs)
    unchanged: list[tuple[Found, PathRecord]] = []
    changed: list[tuple[Found, PathRecord | None]] = []
    gone: dict[tuple[str, str], PathRecord] = {}
    n_known: dict[str, int] = {}
    missing: list[str] = []
    kept = frozenset() if allow_mass_delete else decided.kept
    for scope in scopes:
        known = ledger.paths(scope.root)
        if scope.prefix:
            known = {key: path for key, path in known.items() if key[1].startswith(scope.prefix)}
        n_known[str(scope.root)] = len(known)
        if not known.keys() <= decided.removed | kept and not (
            allow_mass_delete or (scope.root / scope.prefix).is_dir()
        ):
            missing.append(_missing(scope.root / scope.prefix, len(known)))
        gone.update(_compare(scope, known, config, plan, unchanged, changed))
    stale = planner.add_unchanged(unchanged)
    looked = [found for found, _ in (*changed, *stale)]
    looks = look_at_all(looked, workers, config) if looked else []
    try:
        digests = Digests(config.max_file_bytes, is_stopped)
        hashed = _hash_all(changed, looks[: len(changed)], config, bugs, digests)
    except StoppedError:
        return Plan(plan.settled)
    moved_from = _origins(gone, hashed)
    plan.removed = [
        key for key, path in gone.items() if key not in kept or path.sha256 in moved_from
    ]
    lost = [key for key in plan.removed if gone[key].sha256 not in moved_from]
    undecided = Counter(root for root, path in lost if (root, path) not in decided.removed)
    for root, _ in decided.removed.intersection(lost):
        n_known[root] -= 1
    why = [*missing, *_too_many(undecided, n_known)]
    plan.settled += [SourceOutcome(path, Outcome.REMOVED) for _, path in lost]
    for (found, path), look in zip(stale, looks[len(changed) :], strict=True):
        planner.add_stale(found, path, look)
    for item in hashed:
        planner.add_hashed(item, moved_from)
    plan.jobs.sort(key=lambda job: job.source.path)
    if why and not allow_mass_delete:
        changes = [one for one in plan.foreseen() if one.outcome is not Outcome.UNCHANGED]
        raise MassDeleteError(why[0], frozenset(lost), tuple(sorted(changes, key=_by_source)))
    return plan


class _Planner:
    """Sorts files into those that are settled and those that must be read."""

    def __init__(
        self,
        ledger: Ledger,
        config: IngestConfig,
        retry: frozenset[str] | None,
        plan: Plan,
        bugs: BugLog,
    ) -> None:
        self._bugs = bugs
        self._config = config
        self._standings = ledger.standings()
        self._fingerprints = _Fingerprints(config)
        self._retry = retry
        self._plan = plan
        # By identity: the ledger makes each of these once.
        self._plain: dict[int, bool] = {}
        self._jobs: dict[str, Job] = {}

    def add_unchanged(
        self, unchanged: Sequence[tuple[Found, PathRecord]]
    ) -> list[tuple[Found, PathRecord]]:
        """Files that are as they were; returns those to be read again, for `add_stale`, since
        their parser or settings changed."""
        stale = []
        for found, path in unchanged:
            standing = self._standings.get(path.sha256 or "")
            if standing is not None and self._is_plain(standing.shared):
                # Nearly every file of nearly every sync comes this way.
                reason, n_chunks = standing.reason, standing.n_chunks
                outcome = SourceOutcome(found.path, Outcome.UNCHANGED, reason, n_chunks)
                self._plan.settled.append(outcome)
                continue
            standing = self._current(found, path.sha256)
            if standing:
                self._plan.settled.append(_settled(found.path, Outcome.UNCHANGED, standing))
            else:
                stale.append((found, path))
        return stale

    def add_stale(self, found: Found, path: PathRecord, look: Look | Exception) -> None:
        """A file that is as it was, and read in another way now."""
        if isinstance(look, Exception):
            reason = _why(look, found, self._bugs)
            self._plan.settled.append(SourceOutcome(found.path, Outcome.FAILED, reason))
        else:
            self._read(_source(found, path, look, self._config), path, Outcome.UPDATED)

    def _is_plain(self, shared: Shared) -> bool:
        """Whether documents like this need nothing."""
        plain = self._plain.get(id(shared))
        if plain is None:
            is_indexed = shared.status == DocumentStatus.INDEXED
            plain = self._plain[id(shared)] = is_indexed and self._fingerprints.are_current(shared)
        return plain

    def add_hashed(self, item: _Hashed, moved_from: dict[str, list[str]]) -> None:
        """A new or changed file: read it unless its content is known."""
        source, path = item.source, item.found.path
        if source is None:
            self._plan.paths.append(item.path)
            self._plan.settled.append(SourceOutcome(path, Outcome.FAILED, item.path.reason))
            return
        outcome = Outcome.UPDATED if item.known and item.known.sha256 else Outcome.ADDED
        standing = self._current(item.found, source.sha256)
        if standing is None or _failed_as_another(standing, source):
            self._read(source, item.path, outcome)
            return
        self._plan.paths.append(item.path)
        note = ""
        if item.known is not None and item.known.sha256 == source.sha256:
            outcome = Outcome.UNCHANGED
        elif origins := moved_from.get(source.sha256):
            outcome, note = Outcome.MOVED, f"from {origins.pop()}"
        self._plan.settled.append(_settled(path, outcome, standing, note))

    def _current(self, found: Found, sha256: str | None) -> Standing | None:
        standing = self._standings.get(sha256 or "")
        if standing is None or not self._fingerprints.are_current(standing.shared):
            return None
        return None if _is_retried(found, standing, self._retry) else standing

    def _read(self, source: Source, path: PathRecord, outcome: Outcome) -> None:
        job = self._jobs.get(source.sha256)
        if job is None:
            job = Job(source, self._fingerprints.of(source.media_type, source.kind))
            self._jobs[source.sha256] = job
            self._plan.jobs.append(job)
        job.paths.append(path)
        job.outcomes.append(outcome)


def _origins(
    gone: Mapping[tuple[str, str], PathRecord], hashed: Iterable[_Hashed]
) -> dict[str, list[str]]:
    """For contents that are gone at one path and new at another: where they were."""
    arriving = {item.path.sha256 for item in hashed} - {None}
    origins: dict[str, list[str]] = {}
    for (_, path), record in gone.items():
        if record.sha256 is not None and record.sha256 in arriving:
            origins.setdefault(record.sha256, []).append(path)
    return origins


def _compare(
    scope: Scope,
    known: Mapping[tuple[str, str], PathRecord],
    config: IngestConfig,
    plan: Plan,
    unchanged: list[tuple[Found, PathRecord]],
    changed: list[tuple[Found, PathRecord | None]],
) -> dict[tuple[str, str], PathRecord]:
    """Sort a scope's files into unchanged and changed; return those that are gone."""
    folder = scope.root / scope.prefix
    if not folder.is_dir():
        if not known:
            raise ConfigError(f"The folder {folder} is not there. Create it, or name another.")
        return dict(known)
    gone = dict(known)
    hidden: list[str] = []

    def unreadable(path: str, reason: str) -> None:
        # What lies behind a link that is no longer followed leaves the index.
        if reason != LEADS_OUT:
            hidden.append(path)
        plan.settled.append(SourceOutcome(path, Outcome.FAILED, reason))

    for found in walk(
        scope.root, config.ignore, unreadable, scope.prefix, follow_links=config.follow_links
    ):
        record = gone.pop((found.root, found.path), None)
        if record is not None and is_unchanged(found, record):
            unchanged.append((found, record))
        else:
            changed.append((found, record))
    # What lies in a folder that can't be looked at is not gone.
    return {
        key: record
        for key, record in gone.items()
        if not any(p in (".", key[1]) or key[1].startswith(p + "/") for p in hidden)
    }


def _missing(folder: Path, n_known: int) -> str:
    return (
        f"The folder {folder} is not there, and {n_known} indexed files lie in it. "
        "Connect the drive or put the folder back. If it is meant to be gone, run "
        "`kb sync --allow-mass-delete`. Nothing was changed."
    )


def _too_many(n_lost: Mapping[str, int], n_known: Mapping[str, int]) -> Iterator[str]:
    for root, n in n_lost.items():
        if n * 2 > n_known[root]:
            yield (
                f"{n} of the {n_known[root]} indexed files of {root} are gone, more than half. "
                "If they are meant to be gone, run `kb sync --allow-mass-delete`; else put them "
                "back. Nothing was changed."
            )


def _by_source(outcome: SourceOutcome) -> tuple[str, str]:
    return outcome.source, outcome.outcome


def _hash_all(
    changed: Sequence[tuple[Found, PathRecord | None]],
    looks: Sequence[Look | Exception],
    config: IngestConfig,
    bugs: BugLog,
    digests: Digests,
) -> list[_Hashed]:
    with ThreadPoolExecutor(_HASH_THREADS) as threads:
        return list(
            threads.map(
                lambda item, look: _hash(item[0], item[1], look, config, bugs, digests),
                changed,
                looks,
            )
        )


def _hash(
    found: Found,
    known: PathRecord | None,
    look: Look | Exception,
    config: IngestConfig,
    bugs: BugLog,
    digests: Digests,
) -> _Hashed:
    seen_ns = time.time_ns()
    path = PathRecord(
        found.root, found.path, None, found.size_bytes, found.mtime_ns, seen_ns, reason="?"
    )
    try:
        if found.size_bytes == 0 and not found.siblings:
            # All empty files have one hash, but not one kind that could say what is wrong.
            raise ParseError(
                "The file is empty (0 bytes). Copy or download it again and sync, or delete it."
            )
        if isinstance(look, Exception):
            raise look
        check_place(found.absolute, Path(found.root), follow_links=config.follow_links)
        sha256 = digests.content_sha256(found, look.companions)
    except StoppedError:
        raise
    except Exception as error:
        return _Hashed(found, known, _replace_reason(path, _why(error, found, bugs)), None)
    path = PathRecord(
        found.root, found.path, sha256, found.size_bytes, found.mtime_ns, seen_ns, look.companions
    )
    return _Hashed(found, known, path, _source(found, path, look, config))


def _why(error: Exception, found: Found, bugs: BugLog) -> str:
    """The reason of a file that can't even be looked at."""
    if isinstance(error, ParserBugError):
        return bugs.told(error)
    if isinstance(error, IngestError):
        return clean_text(str(error))
    if isinstance(error, OSError) and error.strerror:
        return f"It can't be read ({error.strerror}). Give this user permission, then sync again."
    if not is_of_one_file(error):
        raise error
    return bugs.told(unforeseen(error, found.path, "Looking at"))


def _replace_reason(path: PathRecord, reason: str) -> PathRecord:
    return PathRecord(
        path.root, path.path, None, path.size_bytes, path.mtime_ns, path.seen_ns, reason=reason
    )


def _source(found: Found, path: PathRecord, look: Look, config: IngestConfig) -> Source:
    assert path.sha256 is not None
    taken, left_out = split_by_size(path.companions, config.max_file_bytes)
    return Source(
        root=Path(found.root),
        path=found.path,
        media_type=look.media_type,
        kind=look.kind,
        sha256=path.sha256,
        size_bytes=found.size_bytes,
        mtime_ns=found.mtime_ns,
        companions=tuple(Path(companion.path) for companion in taken),
        left_out=tuple(Path(companion.path) for companion in left_out),
    )


class _Fingerprints:
    """What documents should carry under the present configuration, by media type."""

    def __init__(self, config: IngestConfig) -> None:
        self._config = config
        self._wanted: dict[tuple[str, str, bool], str] = {}
        self._are_current: dict[Shared, bool] = {}

    def of(self, media_type: str, kind: str, *, failed: bool = False) -> str:
        key = (media_type, kind, failed)
        if key not in self._wanted:
            parser = parser_for(media_type)
            if failed or parser is None:
                self._wanted[key] = failure_fingerprint(parser, self._config)
            else:
                self._wanted[key] = document_fingerprint(parser, Kind(kind), self._config)
        return self._wanted[key]

    def are_current(self, shared: Shared) -> bool:
        known = self._are_current.get(shared)
        if known is None:
            failed = shared.status == DocumentStatus.FAILED
            wanted = self.of(shared.media_type, shared.kind, failed=failed)
            known = self._are_current[shared] = shared.fingerprint == wanted
        return known


def _is_retried(found: Found, standing: Standing, retry: frozenset[str] | None) -> bool:
    return (
        retry is not None
        and standing.shared.status != DocumentStatus.INDEXED
        and (not retry or found.path in retry)
    )


def _failed_as_another(standing: Standing, source: Source) -> bool:
    """Whether a content that failed has a new name under which another parser reads it."""
    shared = standing.shared
    return shared.status == DocumentStatus.FAILED and shared.media_type != source.media_type


def _settled(path: str, outcome: Outcome, standing: Standing, note: str = "") -> SourceOutcome:
    if standing.shared.status == DocumentStatus.FAILED:
        return SourceOutcome(path, Outcome.FAILED, standing.reason)
    return SourceOutcome(path, outcome, note or standing.reason, standing.n_chunks)
