"""One knowledge base, open in this process, with what the page and the API ask of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from ingest.progress import Progress
from ingest.query_media import QueryMedia
from ingest.scan import check_place
from ingest.sync import Syncer
from ingest.watch import watch
from kb import (
    Answerer,
    DocumentStatus,
    KnowledgeBase,
    TextDelta,
    answerer_with,
    open_knowledge_base,
)
from kb.config import Config, Home
from kb.config.loading import load_generator
from kb.config.named import QUOTES
from kb.errors import (
    ConfigError,
    IndexMismatchError,
    MassDeleteError,
    PromptTooLongError,
    SourceUnavailableError,
)
from kb.files import size_bytes, tree_bytes
from kb.masking import masked
from kb.tracks import Track
from kb.types import (
    Answer,
    Chunk,
    Citation,
    Document,
    EncodedImage,
    Filters,
    Frame,
    ImageRef,
    Query,
    SearchResult,
    SyncReport,
)
from ui.service.asking import Askers
from ui.service.background import BackgroundSync
from ui.service.conversation import EarlierTurn, make_turns
from ui.service.counts import ServiceCounts
from ui.service.documents import Added, Documents
from ui.service.held import Decisions
from ui.service.kept import KeptConversations
from ui.service.library import LibraryFile, list_files
from ui.service.metrics import Metrics
from ui.service.scratch import Scratch
from ui.service.sheets import Sheet, sheet_of
from ui.service.shelf import Shelf
from ui.service.spoken import SpokenLine, spoken_tracks
from ui.service.status import Failure, Status
from ui.service.uploads import sweep_unfinished
from ui.service.warming import Warmer
from ui.service.writers import Writers
from ui.takeover import Takeover

__all__ = ["Failure", "Service", "Status"]

# For the batch or the write that a sync is in the middle of.
_END_S = 30.0


class Service:
    """A knowledge base with its syncs.

    Args:
        home: Where it lives.
        config: Its configuration.
        rebuild: Forget the index and make it anew with the next sync.

    Raises:
        StoreInUseError: Another process has it open.
    """

    def __init__(self, home: Home, config: Config, *, rebuild: bool = False) -> None:
        self.home = home
        self.kb: KnowledgeBase = open_knowledge_base(home, config, rebuild=rebuild)
        self.shelf = Shelf(self.kb, home, lambda: self._takeover.now(), self.sync_soon)
        self.syncer = Syncer(self.kb, self._heard, self.shelf.put_aside)
        self.askers = Askers()
        # Requests for what takes the whole library: one works, and the others need no thread.
        self.sync_askers = Askers(n_at_once=1, n_in_all=8)
        self.writers = Writers(self.kb)
        self.conversations = KeptConversations(self.kb.ledger)
        self._answerers: dict[str, Answerer] = {}
        self._answerers_lock = threading.Lock()
        self._closing = threading.Event()
        self.scratch = Scratch(home, config.limits.keep_uploads_s)
        self._media = QueryMedia(config.ingest)
        self._progress = Progress()
        self.documents = Documents(self.kb, home, self.syncer, lambda: self._progress.current)
        self._decisions = Decisions()
        self._warmer = Warmer(self.kb.warm)
        self._listeners: list[Callable[[Progress], None]] = []
        self._background = BackgroundSync(lambda retry: self.sync(retry=retry), self._watch)
        self.metrics = Metrics(
            ServiceCounts(
                self.kb.ledger,
                self.syncer,
                self.askers,
                self.progress,
                lambda: self.alert,
            )
        )
        self._takeover = Takeover(self.kb, self.syncer, self.sync_soon, self._background.warn)

    # -- ask -----------------------------------------------------------------------------

    @property
    def config(self) -> Config:
        """The configuration, which changes where new vectors are taken over."""
        return self.kb.config

    @property
    def profile(self) -> str:
        """The profile's name."""
        return self.config.profile

    @property
    def profile_note(self) -> str:
        """What the profile means for the person who asks."""
        return self.kb.note

    def search(self, query: Query, n_results: int | None = None) -> SearchResult:
        """See `KnowledgeBase.search`."""
        with self.metrics.searching():
            result = self.kb.search(query, n_results)
        self.metrics.searched(len(result.hits), result.timings_ms)
        return result

    def understood(self, query: Query, turns: Sequence[EarlierTurn]) -> Query:
        """See `KnowledgeBase.understood`."""
        return self.kb.understood(query, make_turns(turns, self.kb.ledger)) if turns else query

    def ask(self, query: Query, generator: str = "") -> Iterator[TextDelta | Citation | Answer]:
        """See `KnowledgeBase.ask`.

        Args:
            generator: A name, as ``generator:`` in kb.yaml takes it, for this answer. Empty: that
                of the configuration; ``quotes``: its quotes alone, where it has any.

        Raises:
            ConfigError: There is no generator of that name.
        """
        if generator in ("", QUOTES):
            return self.metrics.asking(self.kb.ask(query, is_written=not generator))
        with self._answerers_lock:
            if generator not in self._answerers:
                # Kept, for one of them may hold a model in memory.
                self._answerers[generator] = answerer_with(self.kb, load_generator(generator))
        return self.metrics.asking(self.kb.ask(query, answerer=self._answerers[generator]))

    def make_query(
        self,
        text: str,
        images: Sequence[Path] = (),
        clip: Path | None = None,
        filters: Filters | None = None,
        *,
        as_written: bool = False,
    ) -> Query:
        """A query from words and files, checked.

        Args:
            as_written: The words are not to be mended.

        Raises:
            ConfigError: There is nothing to ask.
            IngestError: A picture or the clip can't be read.
            PromptTooLongError: The words or the files are more than `limits` allows.
        """
        text = text.strip()
        if not text and not images and clip is None:
            raise ConfigError("Nothing was asked. Give some words, a picture or a clip.")
        limits = self.config.limits
        if len(text) > limits.max_question_chars:
            raise PromptTooLongError(
                f"The question has {len(text):,} characters, over the limit of "
                f"{limits.max_question_chars:,}. Shorten it, or raise "
                "`limits.max_question_chars` in kb.yaml."
            )
        n_files = len(images) + (clip is not None)
        if n_files > limits.max_question_files:
            raise PromptTooLongError(
                f"The question has {n_files:,} pictures and clips, over the limit of "
                f"{limits.max_question_files:,}. Leave some out, or raise "
                "`limits.max_question_files` in kb.yaml."
            )
        return Query(
            text=_readable(text),
            images=tuple(self._query_image(path) for path in images),
            clip=self._query_clip(clip) if clip else (),
            filters=filters or Filters(),
            as_written=as_written,
        )

    def _query_image(self, path: Path) -> EncodedImage:
        return self._media.read_picture(path)

    def _query_clip(self, path: Path) -> tuple[Frame, ...]:
        return self._media.read_clip(path)

    # -- library -------------------------------------------------------------------------

    def files(self) -> list[LibraryFile]:
        """Every file, by source."""
        return list_files(
            self.kb.ledger, self.home.library, self.syncer.waiting(), self._progress.current
        )

    def progress(self) -> Progress:
        """How far the running sync has come."""
        return self._progress

    def upload(self, name: str, content: Path | BinaryIO) -> str:
        """Copy a file into the library and have it indexed; returns its source. See `add`."""
        return self.add(name, content).source

    def add(self, name: str, content: Path | BinaryIO) -> Added:
        """Copy a file into the library and have it indexed, unless its bytes are there already.

        Raises:
            ConfigError: A sync would pass over such a name, or it can't be saved.
        """
        added = self.documents.add(name, content)
        if added.is_new:
            self.sync_soon()
        return added

    def remove(self, source: str) -> None:
        """Move a file of the library to the trash and take it out of the index.

        Raises:
            ConfigError: It does not lie in the library, or may not be moved.
        """
        _, errors = self.shelf.remove([source])
        for error in errors.values():
            raise error

    def retry(self, sources: Sequence[str] = ()) -> None:
        """Have failed files read again; none named means all."""
        self._background.soon(frozenset(sources))

    def sync_soon(self) -> None:
        """Have the background thread sync."""
        self._background.soon()

    def sync(
        self,
        folders: Sequence[Path] = (),
        *,
        dry_run: bool = False,
        allow_mass_delete: bool = False,
        retry: frozenset[str] | None = None,
        listen: Callable[[Progress], None] | None = None,
    ) -> SyncReport:
        """Sync now, in this thread, with the vectors that answer. See `Syncer.sync`."""
        self._takeover.now()

        def sync() -> SyncReport:
            return self.syncer.sync(
                folders,
                dry_run=dry_run,
                allow_mass_delete=allow_mass_delete,
                decided=self._decisions.current(),
                retry=retry,
            )

        with self.metrics.syncing(), self.heard_by(listen) if listen else nullcontext():
            try:
                report = sync()
            except IndexMismatchError:
                # New vectors took the former ones' place while it was under way.
                if not self._takeover.now():
                    raise
                report = sync()
            except MassDeleteError as error:
                self._decisions.hold(error)
                raise
        self._background.alert = ""
        if not folders and not dry_run:
            self._decisions.settle()
        return report

    @property
    def held(self) -> MassDeleteError | None:
        """Why indexing waits until somebody decides, and what it would do; None: it does not."""
        return self._decisions.held

    def decide(self, *, are_kept: bool) -> None:
        """Go on with a sync that was held: the files that are gone leave the index, or stay."""
        if self._decisions.decide(are_kept=are_kept):
            self._background.alert = ""
            self.sync_soon()

    @contextmanager
    def heard_by(self, listen: Callable[[Progress], None]) -> Iterator[None]:
        """Have `listen` told the progress of every sync meanwhile, from the thread that syncs."""
        self._listeners.append(listen)
        try:
            yield
        finally:
            self._listeners.remove(listen)

    @property
    def alert(self) -> str:
        """What stopped the last sync, or empty."""
        return self._background.alert

    def status(self) -> Status:
        """Counts, sizes and failures."""
        files = self.files()
        counts = dict.fromkeys(("indexed", "partial", "failed", "waiting", "indexing"), 0)
        kinds: dict[str, int] = {}
        for file in files:
            counts[file.status] += 1
            if file.kind:
                kinds[file.kind.value] = kinds.get(file.kind.value, 0) + 1
        stats = self.kb.store_stats()
        chunk_tokens, overlap_tokens = self.config.ingest.chunking.sizes_tokens
        index = self.home.index
        return Status(
            profile=self.profile,
            profile_note=self.profile_note,
            encoder=self.config.encoder.model,
            models=self.kb.model_states(),
            home=self.home.path,
            roots=self.syncer.roots(),
            store=masked(self.config.store.url or "Qdrant Edge, in a process of its own")
            + (", int8 vectors" if self.config.store.quantization == "int8" else ""),
            chunking=f"{self.config.ingest.chunking.strategy}, {chunk_tokens} tokens, "
            f"{overlap_tokens} overlapping",
            n_files=len(files),
            n_documents=len({f.document_sha256 for f in files if f.document_sha256}),
            n_chunks=self.kb.ledger.n_chunks(),
            n_unindexed=max(0, stats.n_points - stats.n_indexed),
            counts=counts,
            kinds=kinds,
            size_bytes={
                "ledger": sum(size_bytes(path) or 0 for path in index.glob("ledger.sqlite3*")),
                "vectors": stats.size_bytes or 0,
                "assets": tree_bytes(self.home.assets),
                "ocr": tree_bytes(index / "ocr"),
                "speech": tree_bytes(index / "speech"),
            },
            failures=tuple(
                Failure(file.source, file.status, file.reason)
                for file in files
                if file.status in (DocumentStatus.FAILED, DocumentStatus.PARTIAL)
            ),
            alert=self.alert,
        )

    # -- what a citation opens -------------------------------------------------------------

    def chunk(self, chunk_id: str) -> Chunk | None:
        """A committed chunk."""
        hit = self.kb.hit(chunk_id)
        return hit.chunk if hit else None

    def document(self, sha256: str) -> Document | None:
        """A document with its paths."""
        record = self.kb.ledger.record(sha256)
        return record.document if record else None

    def page_image(self, document_sha256: str, page: int) -> ImageRef | None:
        """The picture of a page."""
        return self.kb.ledger.page_image(document_sha256, page)

    def page_size_points(self, document_sha256: str, page: int) -> tuple[float, float] | None:
        """Width and height of a page as displayed, in PDF points."""
        return self.kb.ledger.page_size_points(document_sha256, page)

    def sheet(self, chunk: Chunk, quoted: tuple[int, int]) -> Sheet | None:
        """The rows around those of a chunk; see `sheet_of`."""
        tables = self.kb.ledger.tables_of(chunk.document_sha256)
        return sheet_of(tables, chunk.id, quoted)

    def spoken(self, document_sha256: str) -> Mapping[Track, tuple[SpokenLine, ...]]:
        """What was heard in a recording or a video, and its subtitles; see `spoken_tracks`."""
        return spoken_tracks(self.kb.ledger.chunks_of(document_sha256))

    def n_pages(self, document_sha256: str) -> int:
        """How many pages a document has; 0 where it has none."""
        return self.kb.ledger.n_pages(document_sha256)

    def asset(self, sha256: str) -> ImageRef | None:
        """A picture that some document shows."""
        return self.kb.ledger.asset(sha256)

    def asset_path(self, ref: ImageRef) -> Path:
        """The file of a picture."""
        return self.kb.assets.path(ref)

    def original(self, document_sha256: str) -> Path | None:
        """An existing copy of the file itself, and no link that has taken its place."""
        document = self.document(document_sha256)
        for root, path in document.sources if document else ():
            try:
                check_place(root / path, root, follow_links=self.config.ingest.follow_links)
            except SourceUnavailableError:
                continue
            return root / path
        return None

    # -- background ----------------------------------------------------------------------

    def start(self) -> None:
        """Sync now and whenever files change, in background threads; again by itself after a
        failure that may pass. Have what reads pictures ready."""
        sweep_unfinished(self.home.library)
        sweeper = threading.Thread(
            target=self.scratch.sweep_until, args=(self._closing,), name="kb-sweep", daemon=True
        )
        sweeper.start()
        threading.Thread(
            target=self.shelf.sweep_until, args=(self._closing,), name="kb-trash", daemon=True
        ).start()
        threading.Thread(
            target=self._takeover.until, args=(self._closing,), name="kb-takeover", daemon=True
        ).start()
        self._background.start()
        self._media.warm()

    def warm(self) -> None:
        """See `KnowledgeBase.warm`: in the background, once."""
        self._warmer.start()

    def stop(self) -> None:
        """Stop answering and syncing, for good."""
        self._closing.set()
        self.askers.close()
        self.sync_askers.close()
        self.syncer.stop()

    def close(self) -> None:
        """Stop answering and syncing, and release the store."""
        self.stop()
        self._background.close(self.syncer.stop)
        self.syncer.wait(_END_S)
        self._media.close()
        self._warmer.wait()
        self.writers.close()
        self.kb.close()

    def _watch(self, on_change: Callable[[], None], stop: threading.Event) -> None:
        self.home.library.mkdir(parents=True, exist_ok=True)
        watch(self.syncer.roots(), on_change, stop, poll=self.config.ingest.poll)

    def _heard(self, progress: Progress) -> None:
        self._progress = progress
        for listen in tuple(self._listeners):
            listen(progress)


def _readable(text: str) -> str:
    """`text` with a question mark for each half of a character, which nothing can encode."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")
