from __future__ import annotations

import random

import pytest

from kb.citing import CitationScanner, Cited


def scan(*pieces: str) -> list[str | Cited]:
    """The items, neighbouring text joined: pieces may split it anywhere."""
    scanner = CitationScanner()
    found = [item for piece in pieces for item in scanner.feed(piece)] + scanner.end()
    joined: list[str | Cited] = []
    for item in found:
        if isinstance(item, str) and joined and isinstance(joined[-1], str):
            joined[-1] += item
        else:
            joined.append(item)
    return joined


def cited(*numbers: int) -> Cited:
    return Cited(numbers)


CASES = [
    ("plain", ["plain"]),
    ("Yes [1].", ["Yes ", cited(1), "."]),
    ("是的【12】。", ["是的", cited(12), "。"]),
    ("a [1, 2] b [3、4] c [1-3] d [^5]", [
        "a ", cited(1, 2), " b ", cited(3, 4), " c ", cited(1, 2, 3), " d ", cited(5),
    ]),
    ("[1][2]", [cited(1), cited(2)]),
    ("[2, 2, 1]", [cited(2, 1)]),
    ("[3-1] [1-900]", [cited(3), " ", cited(1)]),
    (r"\[1] and \\[2]", [r"\[1] and \\", cited(2)]),
    ("`x[1]` [2]", ["`x[1]` ", cited(2)]),
    ("``a ` [1]`` [2]", ["``a ` [1]`` ", cited(2)]),
    ("```py\na[1]\n\nb[2]\n``` [3]", ["```py\na[1]\n\nb[2]\n``` ", cited(3)]),
    ("a ` lone\n\n[1]", ["a ` lone\n\n", cited(1)]),
    ("[x] [] [1 2] [12345]", ["[x] [] [1 2] [12345]"]),
    ("ends in [1", ["ends in [1"]),
    ("ends in \\", ["ends in \\"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_whole_and_in_any_pieces(text: str, expected: list[str | Cited]) -> None:
    assert scan(text) == expected
    assert scan(*text) == expected
    generator = random.Random(0)
    for _ in range(20):
        cuts = sorted(generator.sample(range(len(text) + 1), min(3, len(text))))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        assert scan(*pieces) == expected


def test_only_what_may_become_a_citation_is_held_back() -> None:
    scanner = CitationScanner()
    assert scanner.feed("So [1") == ["So "]
    assert scanner.feed("2") == []
    assert scanner.feed("]!") == [cited(12), "!"]
    assert scanner.feed("[a") == ["[a"]
