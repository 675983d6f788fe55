from __future__ import annotations

import random

import pytest

from kb.answer.citations import CitationScanner, Cited


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
    ("in [1000] cases", ["in ", cited(1000), " cases"]),
    ("on [2024-05-06] at [10:30]", ["on [2024-05-06] at [10:30]"]),
    ("[source 1] [Source 12] [SOURCES 1, 2] [来源 3]", [
        cited(1), " ", cited(12), " ", cited(1, 2), " ", cited(3),
    ]),
    ("[source: 1] [Source 1, Source 2] [source]", [cited(1), " ", cited(1, 2), " [source]"]),
    ("[1 and 2] [1, 2, and 3] [1 & 2] [1 和 3]", [
        cited(1, 2), " ", cited(1, 2, 3), " ", cited(1, 2), " ", cited(1, 3),
    ]),
    ("so【1†source】 and [2†L3-L9]", ["so", cited(1), " and ", cited(2)]),
    ("[and 1] [sauce 1] [1 or 2]", ["[and 1] [sauce 1] [1 or 2]"]),
    ("ends in [1", ["ends in ", cited(1)]),
    ("ends in [1, ", ["ends in ", cited(1)]),
    ("ends in 【source 2", ["ends in ", cited(2)]),
    ("ends in [", ["ends in ["]),
    ("ends in [x", ["ends in [x"]),
    ("ends in `[1", ["ends in `", cited(1)]),
    ("ends in \\", ["ends in \\"]),
    # Fences.
    ("~~~\na[1]\n\n```\n~~~\nb [2]", ["~~~\na[1]\n\n```\n~~~\nb ", cited(2)]),
    ("x [1]:\n   ~~~~ py\na[1]\n~~~\n~~~~ \n[2]", [
        "x ", cited(1), ":\n   ~~~~ py\na[1]\n~~~\n~~~~ \n", cited(2),
    ]),
    ("- ```\n  a[1]\n  ```\n- b [2]", ["- ```\n  a[1]\n  ```\n- b ", cited(2)]),
    ("> ```\n> a[1]\n> ```\n> b [2]", ["> ```\n> a[1]\n> ```\n> b ", cited(2)]),
    ("```\na[1]\n```py\nb[2]", ["```\na[1]\n```py\nb[2]"]),
    ("```a[1]``` b [2]", ["```a[1]``` b ", cited(2)]),
    ("a ``` b\n\nc [1]", ["a ``` b\n\nc ", cited(1)]),
    ("```\nnever closed [1]", ["```\nnever closed [1]"]),
    # Indented code.
    ("    a[1]\nb [2]", ["    a[1]\nb ", cited(2)]),
    ("So:\n\n    a[1]\n\n\tb[2]\n\nc [3]", ["So:\n\n    a[1]\n\n\tb[2]\n\nc ", cited(3)]),
    ("So\n    it goes on [1]", ["So\n    it goes on ", cited(1)]),
    ("1. Hold it.\n\n    Ten seconds [1].", ["1. Hold it.\n\n    Ten seconds ", cited(1), "."]),
    ("- a\n\n      b[1]\n- c [2]", ["- a\n\n      b[1]\n- c ", cited(2)]),
    ("- a\n    - b\n\n    c [1]\n\nd\n\n    e[2]", [
        "- a\n    - b\n\n    c ", cited(1), "\n\nd\n\n    e[2]",
    ]),
    ("# Reset\n    a[1]", ["# Reset\n    a[1]"]),
    # Backticks that close nothing.
    ("I don`t know [9], see [1].", ["I don`t know ", cited(9), ", see ", cited(1), "."]),
    ("don`t, can`t [1]", ["don`t, can`t ", cited(1)]),
    ("a `` b ` c [1]\n` d [2]", ["a `` b ` c [1]\n` d ", cited(2)]),
    ("- a ` [1]\n- b ` [2]", ["- a ` ", cited(1), "\n- b ` ", cited(2)]),
    ("a ` [1]\n# b ` [2]", ["a ` ", cited(1), "\n# b ` ", cited(2)]),
    ("| a ` [1] |\n| b ` [2] |", ["| a ` ", cited(1), " |\n| b ` ", cited(2), " |"]),
    ("a ` [1]\n```\nb[2]\n```", ["a ` ", cited(1), "\n```\nb[2]\n```"]),
    (r"a \` [1] \` [2]", [r"a \` ", cited(1), r" \` ", cited(2)]),
    ("`a\\` [1]", ["`a\\` ", cited(1)]),
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
    assert scanner.feed(" `x[1]") == [" "]
    assert scanner.feed("` and") == ["`x[1]`", " and"]
    assert scanner.feed(" don`t [1].") == [" don"]
    assert scanner.feed("\n\nSo") == ["`t ", cited(1), ".\n", "\n", "So"]
