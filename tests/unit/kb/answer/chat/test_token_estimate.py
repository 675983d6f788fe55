"""How many tokens a text has at most, against tokenizers that are at hand."""

from __future__ import annotations

import base64
import hashlib

import pytest
from tokenizers import Tokenizer

from kb.answer.chat.token_estimate import estimate_tokens
from kb.models.encoders.weights import find_model

ENGLISH = (
    "To reset the device, hold the power button for ten seconds; the indicator then blinks twice. "
    "Electromagnetic interference is no fault (see page 42, table 3-1)."
)


@pytest.mark.parametrize(
    ("text", "n_least"),
    [
        ("", 0),
        ("x" * 20_000, 10_000),
        (base64.b64encode(bytes(range(256)) * 40).decode(), 8_000),
        (hashlib.sha256(b"a").hexdigest(), 40),
        ("如需重置设备，请按住电源键十秒。", 12),
        ("🙂" * 100, 200),
        ("1234567890" * 10, 100),
        ("{" * 500, 500),
        ("\n" * 400 + " " * 4000, 200),
        ("Переустановка", 6),
        ("เครื่องสูบน้ำ", 13),
    ],
)
def test_it_is_no_less_than_tokenizers_make_and_no_more_than_bytes(text: str, n_least: int) -> None:
    assert n_least <= estimate_tokens(text) <= len(text.encode())


def test_words_of_english_against_a_vocabulary_of_english() -> None:
    tokenizer = Tokenizer.from_file(
        str(find_model("all-MiniLM-L6-v2").directory / "tokenizer.json")
    )
    tokenizer.no_padding()
    n_tokens = len(tokenizer.encode(ENGLISH, add_special_tokens=False).ids)
    assert n_tokens <= estimate_tokens(ENGLISH) <= 2 * n_tokens


def test_words_are_not_counted_as_letters() -> None:
    n_words = len(ENGLISH.split())
    assert 1.3 * n_words < estimate_tokens(ENGLISH) < 3 * n_words
