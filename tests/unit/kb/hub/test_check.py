"""Damage that keeps a file's size is found, noted, and not computed with."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from filelock import FileLock
from made_models import SHARDS, config_bytes, model_files, write_model

from kb.errors import ModelLoadError
from kb.hub.check import noted_bytes, verify_model
from kb.hub.files import check_model_directory
from kb.hub.listing import Hub, Listing, RemoteFile
from kb.hub.record import PULL_LOCK, RECORD_NAME, read_damaged, read_record, write_record

NAME = "Qwen3-VL-Embedding-2B"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = write_model(tmp_path / "models" / NAME)
    files = tuple(
        RemoteFile(name, len(content), "c" * 40, hashlib.sha256(content).hexdigest())
        for name, content in model_files().items()
    )
    write_record(directory, Listing(Hub.HUGGINGFACE, f"Qwen/{NAME}", "c" * 40, files))
    return directory


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def refusal(directory: Path) -> str:
    with pytest.raises(ModelLoadError) as error:
        verify_model(directory, lambda doing, n_bytes: None)
    return str(error.value)


def test_a_whole_model_is_read_to_the_last_byte(directory: Path) -> None:
    told: list[tuple[str, int]] = []
    verify_model(directory, lambda doing, n_bytes: told.append((doing, n_bytes)))
    assert sum(n for _, n in told) == noted_bytes(directory)
    assert noted_bytes(directory) == sum(map(len, model_files().values()))
    assert {doing for doing, _ in told} == {f"checking {name}" for name in model_files()}
    assert not read_damaged(directory)


@pytest.mark.parametrize("name", [SHARDS[1], "tokenizer.json", "chat_template.jinja"])
def test_one_flipped_bit_is_found_and_the_model_is_not_used(directory: Path, name: str) -> None:
    flip(directory / name)
    check_model_directory(directory)
    message = refusal(directory)
    assert f"{name}: the content is not what the pull noted" in message
    assert f"kb models pull {NAME}" in message
    assert read_damaged(directory) == {name}
    with pytest.raises(ModelLoadError, match=f"`kb models check` has found damage in {name}"):
        check_model_directory(directory)
    # The record still says what the pull has to get.
    assert read_record(directory) is not None
    flip(directory / name)
    verify_model(directory, lambda doing, n_bytes: None)
    check_model_directory(directory)


def test_all_damage_is_told_at_once(directory: Path) -> None:
    flip(directory / SHARDS[0])
    flip(directory / SHARDS[1])
    (directory / "preprocessor_config.json").unlink()
    message = refusal(directory)
    assert SHARDS[0] in message
    assert SHARDS[1] in message
    assert read_damaged(directory) == set(SHARDS)


def test_what_git_has_named_is_compared_too(tmp_path: Path) -> None:
    directory = write_model(tmp_path / NAME)
    content = (directory / "config.json").read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    file = RemoteFile("config.json", len(content), "c" * 40, git_sha1=blob)
    write_record(directory, Listing(Hub.HUGGINGFACE, f"Qwen/{NAME}", "c" * 40, (file,)))
    verify_model(directory, lambda doing, n_bytes: None)
    (directory / "config.json").write_bytes(config_bytes().replace(b"64", b"65"))
    assert "config.json" in refusal(directory)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("tokenizer.json", b"{}", "tokenizer.json can't be opened"),
        ("tokenizer.json", b'{"version": "1.0", "model": ', "tokenizer.json can't be opened"),
        (
            "tokenizer.json",
            b'{"version": "1.0", "added_tokens": [], '
            b'"model": {"type": "BPE", "vocab": {}, "merges": []}}',
            "knows no",
        ),
        ("config.json", b'{"model_type": "qwen3_vl"}', "text_config"),
        ("preprocessor_config.json", b"{}", "image_mean"),
    ],
)
def test_without_a_record_small_files_are_opened(
    directory: Path, name: str, content: bytes, found: str
) -> None:
    (directory / RECORD_NAME).unlink()
    verify_model(directory, lambda doing, n_bytes: None)
    assert noted_bytes(directory) == 0
    (directory / name).write_bytes(content)
    message = refusal(directory)
    assert found in message
    assert f"kb models pull {NAME}" in message


def test_while_a_pull_runs_nothing_is_noted(directory: Path) -> None:
    flip(directory / SHARDS[0])
    with FileLock(directory / PULL_LOCK):
        assert "A pull into" in refusal(directory)
    assert not read_damaged(directory)
    assert SHARDS[0] in refusal(directory)


def test_damage_is_told_where_nobody_may_write(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "fsync", refuse)
    flip(directory / SHARDS[0])
    assert SHARDS[0] in refusal(directory)
    assert not read_damaged(directory)
