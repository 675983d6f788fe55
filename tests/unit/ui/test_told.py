"""Errors in the language of the reader."""

from __future__ import annotations

import time

import pytest

from kb.errors import ConfigError
from kb.masking import keep_secret
from ui.language import speaking
from ui.told import told


def test_error_is_said_anew_around_its_values() -> None:
    error = ConfigError("notes/a.txt does not lie in the library folder. Delete it where it lies.")
    assert told(error) == str(error)
    with speaking("zh-CN"):
        assert told(error) == "notes/a.txt 不在资料库文件夹中。请在原处删除。"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # One error within another.
        (
            "The folder /x is not there. Create it, or name another. "
            "The sync is tried again by itself.",
            "文件夹 /x 不存在。请创建，或指定其他文件夹。会自动重新同步。",
        ),
        # Several in a row, as the reasons of a file that was read in part.
        (
            "Page 3 is damaged and was left out. Page 7 is damaged: some of it may be missing.",
            "第 3 页已损坏，未读取。第 7 页已损坏：部分内容可能缺失。",
        ),
        # What another program says stays, and so does what nobody has translated.
        (
            "The Qdrant server at http://h:1 refused a request: Bad Gateway",
            "http://h:1 的 Qdrant 服务拒绝了请求：Bad Gateway",
        ),
        ("Segmentation fault", "Segmentation fault"),
        ("", ""),
        (
            "Only a part of the file was read. Segmentation fault.",
            "只读取了文件的一部分。Segmentation fault.",
        ),
    ],
)
def test_messages_are_known_by_the_words_between_their_values(text: str, said: str) -> None:
    with speaking("zh-CN"):
        assert told(text) == said


def test_values_that_look_like_names_are_only_values() -> None:
    with speaking("zh-CN"):
        said = told("{strerror} could not be deleted ({source}).")
    assert said == "无法删除 {strerror}（{source}）。"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recording could not be deleted (busy).", "无法删除 recording（busy）。"),
        (
            "The sound is damaged in 3 places, which were left out. Copy the file again from "
            "where it came.",
            "声音有 3 处损坏，已跳过。请从原处重新复制文件。",
        ),
        (
            "The codec of the recording's sound is not known here. Convert it to MP3 or FLAC.",
            "无法识别录音的声音编码。请转换为 MP3 或 FLAC。",
        ),
    ],
)
def test_words_are_translated_where_they_are_no_name(text: str, said: str) -> None:
    with speaking("zh-CN"):
        assert told(text) == said


def test_the_error_at_the_end_of_a_note_is_told_too() -> None:
    note = (
        "Its sound could not be listened to, or not all of it. Listening to 120 s of sound "
        "failed: bad_alloc. Convert the file to another format and sync again."
    )
    with speaking("zh-CN"):
        said = told(note)
    assert said == (
        "声音未能识别，或只识别了一部分。识别 120 秒语音时失败：bad_alloc。"
        "请转换为其他格式，然后重新同步。"
    )


def test_secrets_stay_masked() -> None:
    keep_secret("hunter2-hunter2")
    with speaking("zh-CN"):
        assert "hunter2" not in told("hunter2-hunter2 could not be deleted (busy).")


def test_text_of_any_length_takes_little_time() -> None:
    texts = ["The " * 1_000, "a. " * 1_300, "The file is {x} (" * 200, "). " * 1_300, "x" * 10**6]
    # A page tells of damaged files again and again while a sync goes on.
    for file in range(4):
        pages = (f"Page {file + page} is damaged and was left out." for page in range(11))
        texts += [" ".join(pages)] * 50
    begun_s = time.perf_counter()
    with speaking("zh-CN"):
        for text in texts:
            told(text)
    assert time.perf_counter() - begun_s < 5
