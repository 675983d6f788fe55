from __future__ import annotations

from pathlib import Path

import pytest

from ingest.decode.languages import language_of_name, language_tag


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("en", "en"),
        ("ENG", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("zh_hans", "zh-Hans"),
        ("zh-tw", "zh-TW"),
        ("pt-BR", "pt-BR"),
        ("Portuguese", "pt"),
        ("und", ""),
        ("", ""),
        ("final", ""),
        ("v2", ""),
    ],
)
def test_languages_as_files_write_them(written: str, tag: str) -> None:
    assert language_tag(written) == tag


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("A tour.srt", ""),
        ("A tour.de.srt", "de"),
        ("a TOUR.zh-Hans.forced.vtt", "zh-Hans"),
        ("A tour.en.hi.srt", "en"),
        ("A tour.hi.srt", "hi"),
        ("A tour.SDH.srt", ""),
        ("A tour.French.vtt", "fr"),
        ("Another.de.srt", ""),
    ],
)
def test_names_of_subtitles_tell_their_language(name: str, tag: str) -> None:
    assert language_of_name(Path(name), "A tour") == tag
