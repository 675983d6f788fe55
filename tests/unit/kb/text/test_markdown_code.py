"""What is code, against a CommonMark parser."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kb.text.markdown_code import CodeSplitter, Part

FRAGMENTS = (
    "word", "don`t", "`a", "` ", "``", "\n```\n", "\n~~~\n", "\n", "\n\n", "\n\n    ", "\n- ",
    "\n1. ", "\n> ", "\n# ", " ", "\\`",
)  # fmt: skip
N_TEXTS = 1500
# Of gibberish; what is read differently are fences and quotes that a list item's end would close.
MAX_SHARE_DIFFERENT = 0.02


def marks(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"\[(\d+)\]", text)}


def expected_code(tokens: list[Token]) -> set[int]:
    found = set()
    for token in tokens:
        if token.type in ("code_inline", "fence", "code_block"):
            found |= marks(f"{token.content} {token.info}")
        found |= expected_code(token.children or [])
    return found


def code(*pieces: str) -> set[int]:
    splitter = CodeSplitter()
    found = [piece for text in pieces for piece in splitter.feed(text)] + splitter.end()
    assert "".join(piece.text for piece in found) == "".join(pieces)
    # A blank in place of prose, so that neighbours join and others do not.
    return marks("".join(piece.text if piece.part is not Part.PROSE else " " for piece in found))


def test_made_texts_are_read_as_commonmark_reads_them() -> None:
    generator = random.Random(0)
    parser = MarkdownIt("commonmark")
    n_different = n_code = 0
    for _ in range(N_TEXTS):
        parts = [
            f"[{n}]" if generator.random() < 0.4 else generator.choice(FRAGMENTS)
            for n in range(generator.randint(3, 14))
        ]
        text = "".join(parts)
        found = code(text)
        assert code(*text) == found
        expected = expected_code(parser.parse(text))
        n_different += found != expected
        n_code += bool(expected)
    assert n_code > N_TEXTS / 10
    assert n_different <= MAX_SHARE_DIFFERENT * N_TEXTS


def test_long_texts_are_read_in_time() -> None:
    stray = "a ` b " + "word [1] " * 500
    assert code(*stray) == set()
    assert code("`" * 3000 + "".join(f"{'`' * n} " for n in range(1, 300))) == set()


@pytest.mark.parametrize("line", ["`a`\n", "x`\n`` y\n", "``a `b`\n"])
def test_the_end_of_a_block_is_looked_for_once(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    splitter = CodeSplitter()
    n_looks = 0
    look = CodeSplitter._block_end

    def counted(*args: Any, **more: Any) -> tuple[int, bool]:
        nonlocal n_looks
        n_looks += 1
        return look(*args, **more)

    monkeypatch.setattr(CodeSplitter, "_block_end", counted)
    splitter.feed(line * 5000)
    splitter.end()
    assert n_looks <= 3
