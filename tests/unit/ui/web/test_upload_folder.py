"""What is taken from the upload folder while somebody moves things in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.config import LimitsConfig
from kb.errors import ConfigError, PromptTooLongError
from ui.web import upload_folder
from ui.web.upload_folder import is_uploaded, opened_upload, received

SHA = "a" * 64


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one upload. Beside the upload folder lies a secret of the same name."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    folder = tmp_path / "gradio" / SHA
    folder.mkdir(parents=True)
    (folder / "x.txt").write_text("kept")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.txt").write_text("secret")
    return folder


def test_an_upload_is_copied_under_its_name(folder: Path) -> None:
    # Named twice it is one file: a page names two uploads of the same by the same path.
    with received([str(folder / "x.txt"), str(folder / "x.txt")], LimitsConfig()) as copies:
        assert [copy.name for copy in copies] == ["x.txt"]
        assert [copy.read_text() for copy in copies] == ["kept"]
    assert not any(copy.exists() for copy in copies)


@pytest.mark.parametrize("setting", ["max_question_files", "max_question_bytes"])
def test_nothing_is_copied_of_too_much(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setattr(upload_folder.tempfile, "TemporaryDirectory", None)
    (folder / "y.txt").write_bytes(bytes(1 << 20))
    limits = LimitsConfig.model_validate(
        {setting: 1 if setting == "max_question_files" else 1 << 20}
    )
    paths = [str(folder / name) for name in ("x.txt", "y.txt")]
    with pytest.raises(PromptTooLongError, match=setting), received(paths, limits):
        pass


def test_an_upload_folder_may_be_named_by_a_link(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gradio")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "link"))
    with opened_upload(str(tmp_path / "link" / SHA / "x.txt")) as file:
        assert file.read() == b"kept"


@pytest.mark.parametrize("is_put_back", [True, False])
def test_a_folder_that_becomes_a_link_is_noticed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_put_back: bool
) -> None:
    really_open: Callable[..., int] = os.open

    def opens_while_moved(path: object, flags: int) -> int:
        away = folder.with_name("away")
        folder.rename(away)
        folder.symlink_to(tmp_path / "secret")
        handle = really_open(path, flags)
        if is_put_back:
            folder.unlink()
            away.rename(folder)
        return handle

    monkeypatch.setattr(os, "open", opens_while_moved)
    with (
        pytest.raises(ConfigError, match="no file that was uploaded"),
        opened_upload(str(folder / "x.txt")) as file,
    ):
        raise AssertionError(file.read())


def test_a_file_that_becomes_something_else_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open: Callable[..., int] = os.open
    path = folder / "x.txt"

    def replaces(make: Callable[[], object]) -> Callable[..., int]:
        def opens(name: object, flags: int) -> int:
            path.unlink(missing_ok=True)
            make()
            return really_open(name, flags)

        return opens

    def link() -> None:
        path.symlink_to(tmp_path / "secret" / "x.txt")

    for make in (link, lambda: os.mkfifo(path), lambda: None):
        path.unlink(missing_ok=True)
        path.write_text("kept")
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", replaces(make))
            with pytest.raises(ConfigError), opened_upload(str(path)):
                pass


@pytest.mark.parametrize("path", [None, 7, b"/etc/passwd", "", "x.txt", "/", "/etc/passwd", "\0"])
def test_what_is_no_path_of_an_upload_is_none(folder: Path, path: object) -> None:
    assert not is_uploaded(path)
