"""Chunks lose nothing, keep to their size, and know where each of their words stands."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from ingest.chunk.chunker import Chunker, count_tokens
from kb.config import ChunkingConfig
from kb.types import Box, EncodedImage, Locator, Modality, Segment, Span

STRATEGIES = ("fixed", "semantic", "sliding")
ENGLISH = "The pump has three valves. Open the first one slowly, e.g. by hand. Is it tight? Go on! "
CHINESE = "本产品有三个阀门。请先慢慢打开第一个阀门，然后检查是否漏水！如果漏水，请立即关闭。"
EMOJI = "👩‍👩‍👧‍👦👍🏽 e\u0301te\u0301 ☎️ "


def chunker(strategy: str, size: int = 32, overlap: int = 8) -> Chunker:
    return Chunker(
        ChunkingConfig.model_validate(
            {"strategy": strategy, "chunk_tokens": size, "overlap_tokens": overlap}
        )
    )


def text(content: str, *headings: str, page: int | None = None, **more: object) -> Segment:
    return Segment(
        Modality.TEXT,
        Locator(page=page),
        content,
        "Title",
        headings,
        **more,  # type: ignore[arg-type]
    )


def bare(content: str) -> str:
    return "".join(content.split())


def made_segments(seed: int) -> list[Segment]:
    """Pages of paragraphs in several scripts, each line with its box."""
    draw = random.Random(seed)
    lines = [
        ENGLISH.strip(),
        CHINESE,
        EMOJI.strip(),
        "x" * 90,
        "一" * 50,
        "12,345.67",
        "a\u0301" * 9,
    ]
    segments = []
    for number in range(30):
        chosen = draw.choices(lines, k=draw.randint(1, 6))
        content, spans = "", []
        page = 1 + number // 10
        for i, line in enumerate(chosen):
            start = len(content)
            content += line + ("\n" if i < len(chosen) - 1 else "")
            box = Box(0, number * 100 + i, 10, number * 100 + i + 1)
            spans.append(Span(start, start + len(line), Locator(page=page, boxes=(box,))))
        segments.append(
            Segment(
                Modality.TEXT,
                Locator(
                    page, tuple(b for s in spans for b in s.locator.boxes), anchor=f"a{number}"
                ),
                content,
                "Title",
                ("Part", f"Section {number // 4}"),
                tuple(spans),
            )
        )
    return segments


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", range(4))
class TestAlways:
    def test_no_text_is_lost(self, strategy: str, seed: int) -> None:
        segments = made_segments(seed)
        chunks = list(chunker(strategy).split(segments))
        for segment in segments:
            on_page = [c for c in chunks if c.locator.page == segment.locator.page]
            for span in segment.spans:
                (box,) = span.locator.boxes
                covered: set[int] = set()
                line = segment.text[span.start : span.end]
                for chunk in on_page:
                    for part in chunk.spans:
                        if part.locator.boxes == (box,):
                            piece = chunk.text[part.start : part.end]
                            assert piece in line
                            for at in _starts(line, piece):
                                covered |= set(range(at, at + len(piece)))
                assert all(i in covered or c.isspace() for i, c in enumerate(line))

    def test_sizes_are_kept(self, strategy: str, seed: int) -> None:
        for chunk in chunker(strategy).split(made_segments(seed)):
            assert 0 < count_tokens(chunk.text) <= 32

    def test_spans_are_in_order_inside_the_text(self, strategy: str, seed: int) -> None:
        for chunk in chunker(strategy).split(made_segments(seed)):
            ends = [0]
            for span in chunk.spans:
                assert ends[-1] <= span.start < span.end <= len(chunk.text)
                ends.append(span.end)

    def test_boxes_are_those_of_the_lines_it_covers(self, strategy: str, seed: int) -> None:
        for chunk in chunker(strategy).split(made_segments(seed)):
            of_spans = {box for span in chunk.spans for box in span.locator.boxes}
            assert set(chunk.locator.boxes) == of_spans

    def test_pages_are_never_mixed(self, strategy: str, seed: int) -> None:
        for chunk in chunker(strategy).split(made_segments(seed)):
            assert {span.locator.page for span in chunk.spans} == {chunk.locator.page}

    def test_it_is_a_stream_and_repeats_itself(self, strategy: str, seed: int) -> None:
        once = list(chunker(strategy).split(iter(made_segments(seed))))
        assert once == list(chunker(strategy).split(made_segments(seed)))
        assert {chunk.title for chunk in once} == {"Title"}


def _starts(line: str, piece: str) -> list[int]:
    return [i for i in range(len(line)) if line.startswith(piece, i)]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "content", [ENGLISH * 20, CHINESE * 20, "长" * 500, "x" * 3000, EMOJI * 60]
)
def test_one_long_text_comes_back_without_its_overlaps(strategy: str, content: str) -> None:
    content = content.strip()
    chunks = [chunk.text for chunk in chunker(strategy, overlap=0).split([text(content)])]
    assert len(chunks) > 1
    assert bare("".join(chunks)) == bare(content)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_neighbours_overlap(strategy: str) -> None:
    numbered = " ".join(f"Step {i} is here." for i in range(100))
    chunks = [chunk.text for chunk in chunker(strategy, 64, 16).split([text(numbered)])]
    for one, other in itertools.pairwise(chunks):
        shared = next(n for n in range(len(other), 0, -1) if one.endswith(other[:n].rstrip()))
        tokens = count_tokens(other[:shared])
        assert tokens == 16 if strategy == "fixed" else 10 <= tokens <= 21


@pytest.mark.parametrize("strategy", ["semantic", "sliding"])
@pytest.mark.parametrize("sentences", [ENGLISH * 8, CHINESE * 8])
def test_cuts_fall_between_sentences(strategy: str, sentences: str) -> None:
    for chunk in chunker(strategy, 48, 0).split([text(sentences)]):
        assert chunk.text[-1] in ".?!。！"
        assert not chunk.text.startswith("by hand")


def test_emoji_and_accents_are_not_torn() -> None:
    family = "👩‍👩‍👧‍👦"
    for strategy in STRATEGIES:
        for chunk in chunker(strategy, 16, 4).split([text(family * 100)]):
            assert set(chunk.text.split(family)) == {""}


def test_paragraphs_of_one_heading_are_packed() -> None:
    chunks = list(chunker("semantic").split([text(f"Line {i} of it.", "A") for i in range(6)]))
    assert len(chunks) == 1
    assert chunks[0].text == "\n\n".join(f"Line {i} of it." for i in range(6))
    assert chunks[0].headings == ("A",)


def test_short_siblings_are_merged_with_their_headings_inside() -> None:
    chunks = list(chunker("semantic").split([text("One.", "P", "A"), text("Two.", "P", "B")]))
    assert [(c.text, c.headings) for c in chunks] == [("A\n\nOne.\n\nB\n\nTwo.", ("P",))]


def test_words_of_a_merged_section_are_found_at_their_own_heading() -> None:
    one, two = (
        Segment(Modality.TEXT, Locator(anchor=name), f"About {name}.", headings=(name,))
        for name in ("a", "b")
    )
    (chunk,) = chunker("semantic").split([one, two])
    assert chunk.locator.anchor == "a"
    places = {chunk.text[s.start : s.end]: s.locator.anchor for s in chunk.spans}
    assert places == {"About a.": "a", "About b.": "b"}


def test_sections_of_other_parents_and_long_ones_stay_apart() -> None:
    apart = [text("One.", "P", "A"), text("Two.", "Q", "B")]
    assert [c.text for c in chunker("semantic").split(apart)] == ["One.", "Two."]
    long = [text(" ".join(["word"] * 20), "P", "A"), text(" ".join(["word"] * 9), "P", "B")]
    assert len(list(chunker("semantic").split(long))) == 2


def test_the_last_chunk_is_no_scrap() -> None:
    sentences = " ".join(f"Number {i:02} counts." for i in range(17))
    chunks = list(chunker("semantic", 32, 0).split([text(sentences)]))
    sizes = [count_tokens(chunk.text) for chunk in chunks]
    assert min(sizes) * 2 >= max(sizes)


def test_windows_name_the_heading_where_they_begin() -> None:
    segments = [text(ENGLISH * 3, "A"), text(ENGLISH * 3, "B")]
    chunks = list(chunker("sliding", 40, 0).split(segments))
    assert {chunk.headings for chunk in chunks} == {("A",), ("B",)}
    assert sum(chunk.text.count("B\n\n") for chunk in chunks) == 1


def test_pictures_and_atomic_texts_pass_unchanged_and_part_nothing_else() -> None:
    image = EncodedImage(b"", "image/png", 1, 1)
    picture = Segment(Modality.IMAGE, Locator(), "alt", image=image, atomic=True)
    table = text("| a |\n| --- |\n| 1 |", "A", atomic=True)
    before, after = text("One.", "A"), text("Two.", "A")
    chunks = list(chunker("semantic").split([before, picture, after, table]))
    assert [c.text for c in chunks] == ["One.\n\nTwo.", "alt", table.text]
    assert chunks[1] is picture
    assert chunks[2] is table


def test_of_pictures_without_words_few_are_held() -> None:
    n_made = 0

    def pictures() -> Iterator[Segment]:
        nonlocal n_made
        yield text("A word.", page=1)
        for number in range(100):
            n_made += 1
            image = EncodedImage(b"%d" % number, "image/png", 1, 1)
            yield Segment(Modality.IMAGE, Locator(page=number + 1), image=image, atomic=True)

    chunks = []
    for chunk in chunker("semantic").split(pictures()):
        chunks.append(chunk)
        assert n_made - len(chunks) < 20
    assert [c.image.data for c in chunks[1:] if c.image] == [b"%d" % n for n in range(100)]


def test_a_huge_table_is_split_at_rows_with_its_header_repeated() -> None:
    rows = [f"| {i} | value {i} |" for i in range(200)]
    head = "Prices\n| n | v |\n| --- | --- |"
    spans = (Span(7, 16, Locator(page=1, boxes=(Box(0, 0, 1, 1),))),)
    table = text("\n".join([head, *rows]), "A", page=1, atomic=True, spans=spans)
    chunks = list(chunker("semantic", 64, 8).split([table]))
    assert all(chunk.text.startswith(head + "\n| ") for chunk in chunks)
    assert [r for c in chunks for r in c.text.removeprefix(head + "\n").split("\n")] == rows
    assert all(count_tokens(chunk.text) <= 64 for chunk in chunks)
    assert all(c.text[c.spans[0].start : c.spans[0].end] == "| n | v |" for c in chunks)


def test_an_atomic_line_longer_than_a_chunk_is_cut() -> None:
    record = text("key: " + "value " * 400, atomic=True)
    chunks = list(chunker("semantic").split([record]))
    assert bare("".join(c.text for c in chunks)) == bare(record.text)
    assert all(count_tokens(chunk.text) <= 32 for chunk in chunks)


def test_seconds_are_those_of_the_cues_covered() -> None:
    cues = []
    for i in range(40):
        locator = Locator(start_s=float(i), end_s=i + 0.9)
        words = f"Words of cue {i}."
        cues.append(Segment(Modality.TEXT, locator, words, spans=(Span(0, len(words), locator),)))
    chunks = list(chunker("semantic", 32, 0).split(cues))
    assert len(chunks) > 3
    for one, other in itertools.pairwise(chunks):
        assert one.locator.start_s is not None
        assert one.locator.end_s is not None
        assert one.locator.start_s < one.locator.end_s < (other.locator.start_s or 0)


def test_code_keeps_its_indentation() -> None:
    code = "    def f():\n        return 1\n"
    assert [c.text for c in chunker("semantic").split([text(code)])] == [code.rstrip()]


def test_blank_text_makes_no_chunk() -> None:
    assert list(chunker("semantic").split([text(" \n ")])) == []


def test_the_fingerprint_tells_configurations_apart() -> None:
    prints = {chunker(s, n, o).fingerprint for s in STRATEGIES for n in (32, 64) for o in (0, 8)}
    assert len(prints) == 12
    assert chunker("fixed").fingerprint == chunker("fixed").fingerprint


@pytest.mark.parametrize(
    ("content", "n"),
    [
        ("", 0),
        ("word", 1),
        ("incomprehensible", 3),
        ("你好", 2),
        ("a, b", 3),
        ("2024", 2),
        ("👍🏽", 1),
    ],
)
def test_tokens_are_counted(content: str, n: int) -> None:
    assert count_tokens(content) == n
