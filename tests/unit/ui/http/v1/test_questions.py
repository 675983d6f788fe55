from __future__ import annotations

import base64

import pytest

from kb.errors import ConfigError
from ui.http.v1.questions import attached

BYTES = bytes(range(256))
CODE = base64.b64encode(BYTES).decode()


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        (CODE, ""),
        (f"data:image/png;base64,{CODE}", ".png"),
        (f"DATA:video/mp4;base64,{CODE}", ".mp4"),
        (f"data:x/../../y;base64,{CODE}", ""),
        (f"data:;base64,{CODE}", ""),
    ],
)
def test_base64_is_a_file(text: str, suffix: str) -> None:
    file = attached(text, "images.0")
    assert file.file.read() == BYTES
    assert file.size == len(BYTES)
    assert file.filename == f"file{suffix}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://127.0.0.1/a.png", "is an address"),
        ("file:///etc/passwd", "is an address"),
        ("data:image/png,plain text", "neither base64"),
        ("ä", "neither base64"),
        ("a", "neither base64"),
    ],
)
def test_nothing_else_is(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"video.*{said}"):
        attached(text, "video")
