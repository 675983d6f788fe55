"""Files that can't be read, one by one: each has its status and a reason that says what to do,
the rest is indexed, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from made_bad_files import (
    CHINESE,
    JAPANESE,
    ODD_NAMES,
    PASSWORD,
    TRADITIONAL,
    write_bad_files,
)

from kb.config import Home
from kb.config.loading import load_config
from kb.types import Chunk, Filters, Modality, Outcome, Query, SourceOutcome
from ui.service.service import Service

ADDED, PARTIAL, FAILED = Outcome.ADDED, Outcome.PARTIAL, Outcome.FAILED


@dataclass(frozen=True)
class Synced:
    """The library of `write_bad_files` after one sync."""

    service: Service
    outcomes: dict[str, SourceOutcome]

    def chunks(self, source: str) -> list[Chunk]:
        """The chunks of a file in order."""
        (file,) = (file for file in self.service.files() if file.source == source)
        assert file.document_sha256
        return self.service.kb.ledger.chunks_of(file.document_sha256)

    def text(self, source: str) -> str:
        """All the words of a file."""
        return "\n".join(chunk.text for chunk in self.chunks(source))


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    home = Home(tmp_path_factory.mktemp("bad") / "home")
    home.library.mkdir(parents=True)
    write_bad_files(home.library)
    config = load_config(home, overrides={"ingest": {"pdf_passwords": ["wrong", PASSWORD]}})
    service = Service(home, config)
    try:
        report = service.sync()
        yield Synced(service, {file.source: file for file in report.files})
    finally:
        service.close()


REFUSED = {
    # Pages.
    "empty.pdf": r"empty \(0 bytes\).*again",
    "truncated.pdf": r"can't be opened as PDF.*complete copy",
    "garbage.pdf": r"can't be opened as PDF.*complete copy",
    "noise.pdf": r"can't be opened as PDF.*complete copy",
    "locked.pdf": r"locked with a password.*none of those .*ingest\.pdf_passwords",
    "no pages.pdf": r"no pages.*save it",
    # Pictures.
    "empty.png": r"empty \(0 bytes\)",
    "bomb.png": r"60,000 x 60,000.*over the limit.*ingest\.max_image_px",
    "truncated.jpg": r"damaged or cut short.*Copy it again",
    "truncated.png": r"damaged or cut short.*Copy it again",
    "garbage.jpg": r"not a picture.*Save it anew",
    # Video.
    "empty.mp4": r"empty \(0 bytes\)",
    "garbage.mp4": r"can't be opened.*convert it",
    "truncated.mp4": r"can't be opened.*cut short.*Copy it again",
    "sound.mp4": r"only sound.*subtitles beside it",
    # Text and data.
    "empty.html": r"empty \(0 bytes\)",
    "empty.txt": r"empty \(0 bytes\)",
    "empty.json": r"empty \(0 bytes\)",
    "blank.md": r"empty.*put its content back",
    "no words.html": r"no text and no pictures",
    "not json.json": r"not valid JSON.*line 1, column 2.*\.txt",
    "half.json": r"not valid JSON.*Correct it there",
    # What no parser reads.
    "program.bin": r"not supported.*Convert it.*ingest\.ignore",
    "archive.docx": r"damaged.*get it anew",
    "old.doc": r"not supported.*Convert it",
    # Links.
    "chain a.md": r"link that leads back to itself.*Delete it",
    "chain b.md": r"link that leads back to itself.*Delete it",
    "broken link.pdf": r"link to a file that is not there.*delete the link",
}

INCOMPLETE = {
    "truncated.mkv": r"cut short.*copy it again",
    "cut end.pdf": r"cut short.*complete copy",
    "deep.html": r"nests thousands of elements.*without headings",
    "some.jsonl": r"1 of 3 lines.*line 2.*Correct them",
    "talk.mp4": r"Only the subtitles.*only sound",
    "broken talk.mp4": r"Only the subtitles.*can't be opened",
}

# A word that each file holds; pictures and clips whose words OCR reads included.
READ = {
    "good.md": "heron",
    "good.pdf": "pelican",
    "unlocked.pdf": "osprey",
    "cmyk.jpg": "WREN",
    "deep.png": "WREN",
    "deep.tiff": "WREN",
    "long.html": "kingfisher dives at the very end",
    "broken utf-8.html": "lapwing",
    "lying charset.html": "恢复出厂设置",
    "unknown charset.html": "恢复出厂设置",
    "gb18030.txt": CHINESE.splitlines()[0],
    "big5.txt": TRADITIONAL.splitlines()[0],
    "shift-jis.txt": JAPANESE.splitlines()[0],
    "utf-16 bom.txt": CHINESE.splitlines()[0],
    "utf-16 bare.txt": CHINESE.splitlines()[0],
    "utf-16 english.txt": "quail hides",
    "open quote.csv": "dotterel",
    "picture.pdf": "SNIPE",
    "document.txt": "avocet",
    "text.pdf": "bittern",
    "text.jpg": "curlew",
    "page.md": "dabchick",
    **ODD_NAMES,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_read_fails_and_says_what_to_do(synced: Synced, name: str) -> None:
    outcome = synced.outcomes[name]
    assert outcome.outcome is FAILED
    assert outcome.n_chunks == 0
    assert re.search(REFUSED[name], outcome.reason, re.DOTALL | re.IGNORECASE), outcome.reason


@pytest.mark.parametrize("name", INCOMPLETE)
def test_what_can_be_read_in_part_says_what_is_missing(synced: Synced, name: str) -> None:
    outcome = synced.outcomes[name]
    assert outcome.outcome is PARTIAL
    assert outcome.n_chunks > 0
    assert re.search(INCOMPLETE[name], outcome.reason, re.DOTALL | re.IGNORECASE), outcome.reason


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read_is_indexed(synced: Synced, name: str) -> None:
    assert synced.outcomes[name].outcome is ADDED
    assert synced.outcomes[name].reason == ""
    assert READ[name] in synced.text(name)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_found_and_filtered_by(synced: Synced, name: str) -> None:
    hits = synced.service.search(
        Query(text=f"page about the {ODD_NAMES[name]}", filters=Filters(sources=(name,)))
    ).hits
    assert [hit.source for hit in hits] == [name]


def test_every_file_is_told_of(synced: Synced) -> None:
    library = synced.service.home.library
    there = {path.name for path in library.iterdir() if path.name != "loop"}
    # Subtitles are part of their video.
    assert set(synced.outcomes) == there - {"talk.srt", "broken talk.srt"}


def test_a_folder_that_links_to_itself_is_walked_once(synced: Synced) -> None:
    assert not any(source.startswith("loop/") for source in synced.outcomes)


@pytest.mark.parametrize("name", ["few.gif", "moving.webp"])
def test_of_a_short_animation_each_picture_stands(synced: Synced, name: str) -> None:
    chunks = synced.chunks(name)
    assert len(chunks) > 1
    assert all(chunk.modality is Modality.IMAGE and chunk.image for chunk in chunks)
    assert [chunk.locator.page for chunk in chunks] == [*range(1, len(chunks) + 1)]


def test_a_long_animation_is_a_clip(synced: Synced) -> None:
    (chunk,) = synced.chunks("many.gif")
    assert chunk.modality is Modality.VIDEO
    assert len(chunk.frames) > 1


@pytest.mark.parametrize("name", ["no duration.mkv", "lying.mp4", "lying count.avi"])
def test_a_video_is_as_long_as_its_pictures_whatever_the_header_says(
    synced: Synced, name: str
) -> None:
    (chunk,) = synced.chunks(name)
    assert synced.outcomes[name].outcome is ADDED
    assert chunk.locator.end_s == pytest.approx(4.0, abs=0.2)
    assert [frame.time_s for frame in chunk.frames] == [0.0, 1.0, 2.0, 3.0]


def test_subtitles_of_a_video_without_pictures_are_found_with_their_seconds(
    synced: Synced,
) -> None:
    (chunk,) = synced.chunks("talk.mp4")
    assert "spare fuse lies under the lid" in chunk.text
    assert (chunk.locator.start_s, chunk.locator.end_s) == (1.0, 3.0)
    hits = synced.service.search(Query(text="where is the spare fuse")).hits
    assert hits[0].source == "talk.mp4"


def test_the_index_is_sound_and_the_good_files_answer(synced: Synced) -> None:
    assert synced.service.kb.examine().is_sound
    hits = synced.service.search(Query(text="Which bird carries fish in its bill?")).hits
    assert hits[0].source == "good.pdf"


def test_the_status_lists_each_failure_with_its_reason(synced: Synced) -> None:
    status = synced.service.status()
    told = {failure.source: failure.reason for failure in status.failures}
    dangling = {"chain a.md", "chain b.md", "broken link.pdf"}
    assert set(told) == (set(REFUSED) | set(INCOMPLETE)) - dangling
    assert all(told.values())


def test_a_second_sync_reads_nothing_again(synced: Synced) -> None:
    before = synced.service.kb.ledger.chunk_ids()
    report = synced.service.sync()
    again = {file.source: file for file in report.files}
    assert {name for name, file in again.items() if file.outcome is FAILED} == set(REFUSED)
    assert all(again[name].reason == synced.outcomes[name].reason for name in REFUSED)
    rest = set(again) - set(REFUSED)
    assert {again[name].outcome for name in rest} == {Outcome.UNCHANGED}
    assert all(again[name].reason == synced.outcomes[name].reason for name in INCOMPLETE)
    assert synced.service.kb.ledger.chunk_ids() == before
