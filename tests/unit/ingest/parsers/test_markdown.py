"""Markdown by heading; what looks like a heading in code is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from parsing import parse, png

from ingest.parsers.linked_pictures import local_pictures
from ingest.parsers.markdown import MarkdownParser
from kb.errors import ParseError
from kb.types import Modality, Segment


def read(content: str, folder: Path, companions: tuple[Path, ...] = ()) -> list[Segment]:
    path = folder / "guide.md"
    path.write_text(content)
    segments, warnings = parse(MarkdownParser(), path, "text/markdown", companions=companions)
    assert warnings == []
    return segments


def test_headings_of_both_kinds_make_the_path(tmp_path: Path) -> None:
    text = (
        "Before.\n\n# One **bold** ##\nA.\n\n## Two [link](x) {#own}\nB.\n### Three\nC.\n"
        "\nFour\nfive\n====\nD.\n\nSix\n---\n- E\n#Seven is text\n"
    )
    segments = read(text, tmp_path)
    assert [(s.locator.anchor, s.headings, s.text) for s in segments] == [
        (None, (), "Before."),
        ("one-bold", ("One bold",), "A."),
        ("own", ("One bold", "Two link"), "B."),
        ("three", ("One bold", "Two link", "Three"), "C."),
        ("four-five", ("Four five",), "D."),
        ("six", ("Four five", "Six"), "- E\n#Seven is text"),
    ]
    assert {segment.title for segment in segments} == {"One bold"}


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_code_is_kept_whole(fence: str, tmp_path: Path) -> None:
    code = f"{fence}sh\n# no heading\n\n| a | b |\n|---|---|\n{fence}"
    (segment,) = read(f"# H\n{code}\nafter", tmp_path)
    assert segment.text == f"{code}\n\nafter"
    assert segment.headings == ("H",)


def test_a_fence_that_is_not_closed_goes_on_to_the_end(tmp_path: Path) -> None:
    (segment,) = read("```\n# a\n\n# b", tmp_path)
    assert segment.text == "```\n# a\n\n# b"


def test_a_table_is_atomic_and_ends_where_it_ends(tmp_path: Path) -> None:
    table = "| a | b |\n|:--|--:|\n| 1 | 2 |"
    before, found, after = read(f"# H\nIntro:\n{table}\nafter", tmp_path)
    assert (found.text, found.atomic, found.headings) == (table, True, ("H",))
    assert (before.text, after.text) == ("Intro:", "after")


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("---\ntitle: 'From: front'\ntags: [a]\n---\n", "From: front"),
        ("---\n: : broken\n  - x: [\n---\n", "Head"),
        ("", "Head"),
    ],
)
def test_the_title_is_of_the_front_matter_or_the_first_heading(
    front: str, title: str, tmp_path: Path
) -> None:
    segments = read(f"{front}# Head\nText.", tmp_path)
    assert (segments[-1].title, segments[-1].text) == (title, "Text.")


def test_without_headings_the_name_is_the_title(tmp_path: Path) -> None:
    assert read("Text.", tmp_path)[0].title == "guide"


def test_pictures_in_every_notation(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    names = ["a.png", "b (1).png", "c.png", "d e.png"]
    for name, colour in zip(names, ("red", "green", "blue", "black"), strict=True):
        (folder / name).write_bytes(png(colour))
    path = folder / "guide.md"
    text = (
        '# H\nSee ![Pump](a.png "Side") and ![](<b (1).png>).\n\n![Valve][v]\n\n'
        '<img src="d%20e.png" alt="Tap">\n\n![far](https://host/x.png)\n\n[v]: c.png\n'
    )
    path.write_text(text)
    companions = local_pictures(path)
    assert set(companions) == {folder / name for name in names}
    segments = read(text, folder, companions)
    images = [s for s in segments if s.modality is Modality.IMAGE]
    assert [s.text for s in images] == ["Pump\nSide", "", "Valve", "Tap"]
    assert {s.headings for s in images} == {("H",)}


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="empty"):
        read("\n", tmp_path)


@pytest.mark.parametrize(
    ("front", "title", "fields"),
    [
        (
            "---\ntitle: Pumps\nauthor: Ana Größe\ndate: 2024-05-02\ntags: [pumps, valves]\n---\n",
            "Pumps",
            "author: Ana Größe\ndate: 2024-05-02\ntags: pumps, valves",
        ),
        (
            "---\nrevision:\n  number: 007\n  by:\n    - Bo\n    - name: Cy\n      team: lab\n"
            "empty:\n---\n",
            "Head",
            "revision.number: 007\nrevision.by: Bo\nrevision.by.name: Cy\nrevision.by.team: lab",
        ),
        ("---\n- a\n- b\n---\n", "Head", "a, b"),
        ("---\nnote: [\n---\n", "Head", ""),
        (
            '+++\ntitle = "Pumps"\ndate = 2024-05-02\n[params]\nowners = ["Ana", "Bo"]\n+++\n',
            "Pumps",
            "date: 2024-05-02\nparams.owners: Ana, Bo",
        ),
        ("+++\nno = = toml\n+++\n", "Head", ""),
    ],
)
def test_what_the_front_matter_says_is_found(
    front: str, title: str, fields: str, tmp_path: Path
) -> None:
    segments = read(f"{front}# Head\nText.", tmp_path)
    assert {s.title for s in segments} == {title}
    assert [s.text for s in segments] == [*([fields] if fields else []), "Text."]
