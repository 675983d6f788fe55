from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import StoreError
from kb.retrieve.vocabulary import Vocabulary

TEXT = "Reset the filter of the purifier."


def test_words_are_there_when_it_is_opened_again(tmp_path: Path) -> None:
    Vocabulary(tmp_path / "words.txt").add([TEXT])
    assert Vocabulary(tmp_path / "words.txt").mend("the fitler") == "the filter"


def test_chinese_words_are_there_when_it_is_opened_again(tmp_path: Path) -> None:
    Vocabulary(tmp_path / "words.txt").add(["空气净化器的清洗"])
    assert Vocabulary(tmp_path / "words.txt").mend("怎么清吸") == "怎么清洗"


def test_what_another_process_adds_is_known(tmp_path: Path) -> None:
    reader = Vocabulary(tmp_path / "words.txt")
    assert reader.mend("the fitler") == "the fitler"
    Vocabulary(tmp_path / "words.txt").add([TEXT])
    assert reader.mend("the fitler") == "the filter"


def test_after_a_rebuild_former_words_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    vocabulary = Vocabulary(path)
    vocabulary.add([TEXT])
    path.write_text("\nthe\n", "utf-8")
    assert vocabulary.mend("the fitler") == "the fitler"


def test_a_word_that_was_cut_off_joins_no_other(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(b"the\npuri")
    Vocabulary(path).add(["filter"])
    assert path.read_text("utf-8").split() == ["the", "puri", "filter"]


def test_a_file_that_cant_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be added"):
        Vocabulary(tmp_path / "gone" / "words.txt").add([TEXT])
