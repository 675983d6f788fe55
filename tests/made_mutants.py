"""Samples damaged at random, the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Mutant", "mutants", "seeds_of"]

# Larger files only take longer to damage and to read.
_MAX_SEED_BYTES = 100_000
_SUFFIXES = (
    ".pdf .epub .cbz .jpg .png .webp .gif .bmp .tiff .mp4 .mkv .html .md .txt .json .jsonl .csv "
    ".srt .vtt .docx .pptx .xlsx"
).split()
_JUNK = (
    b"\0" * 64,
    b"\xff" * 64,
    b"9" * 5_000,
    b"[" * 2_000,
    b"<div>" * 2_000,
    b"--> <![CDATA[ <!-- ",
    b"%PDF-1.7\n",
    b"PK\x03\x04",
    b"\xed\xa0\x80\xff\xfe",
    b"---\ndate: 2024-02-30\n---\n",
    b"stream\n" * 50,
    b"/Count 999999999 ",
    b"&lol;" * 500,
    b"\n" * 5_000,
)


class Mutant(NamedTuple):
    """One damaged file.

    Attributes:
        name: Says what was done to which sample, and has the suffix that it is to have.
    """

    name: str
    data: bytes


def seeds_of(folder: Path) -> list[Path]:
    """The samples that are small enough, one of each kind at least."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    small = [path for path in files if path.stat().st_size <= _MAX_SEED_BYTES]
    kinds = {path.suffix.lower() for path in small}
    rest = [path for path in files if path.suffix.lower() not in kinds]
    smallest = {
        suffix: min((p for p in rest if p.suffix.lower() == suffix), key=lambda p: p.stat().st_size)
        for suffix in {path.suffix.lower() for path in rest}
    }
    return [*small, *sorted(smallest.values())]


def mutants(seeds: Sequence[Path], n: int, seed: int) -> Iterator[Mutant]:
    """So many damaged files: each sample in turn, each kind of damage in turn."""
    chance = random.Random(seed)
    for number in range(n):
        path, other = seeds[number % len(seeds)], chance.choice(seeds)
        damage = _DAMAGES[number % len(_DAMAGES)]
        suffix = path.suffix
        if damage is _renamed:
            suffix = chance.choice([s for s in _SUFFIXES if s != suffix.lower()])
        data = damage(path.read_bytes(), other.read_bytes(), chance)
        what = damage.__name__.strip("_").replace("_", " ")
        yield Mutant(f"{number:04} {what} {path.stem[:40]}{suffix}", data)


def _flipped_bits(data: bytes, _: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _n in range(chance.randint(1, 40)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _flipped_head(data: bytes, _: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _n in range(chance.randint(1, 12)):
        changed[chance.randrange(min(256, len(changed)))] = chance.randrange(256)
    return bytes(changed)


def _cut_short(data: bytes, _: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _headless(data: bytes, _: bytes, chance: random.Random) -> bytes:
    return data[chance.randrange(min(2_000, len(data))) :]


def _joined_halves(data: bytes, other: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]


def _renamed(data: bytes, _: bytes, chance: random.Random) -> bytes:
    return data


def _zeroed_blocks(data: bytes, _: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _n in range(chance.randint(1, 4)):
        at, n_bytes = chance.randrange(len(changed)), chance.randint(1, 4_096)
        changed[at : at + n_bytes] = bytes(len(changed[at : at + n_bytes]))
    return bytes(changed)


def _inserted_junk(data: bytes, _: bytes, chance: random.Random) -> bytes:
    for _n in range(chance.randint(1, 3)):
        at = chance.randrange(len(data))
        data = data[:at] + chance.choice(_JUNK) + data[at:]
    return data


def _header_of_another(data: bytes, other: bytes, chance: random.Random) -> bytes:
    n_bytes = chance.choice((4, 12, 64, 512))
    return other[:n_bytes] + data[n_bytes:]


def _repeated_part(data: bytes, _: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    part = data[at : at + chance.randint(1, 2_000)]
    return data[:at] + part * chance.randint(2, 60) + data[at:]


_DAMAGES: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (
    _flipped_bits,
    _flipped_head,
    _cut_short,
    _headless,
    _joined_halves,
    _renamed,
    _zeroed_blocks,
    _inserted_junk,
    _header_of_another,
    _repeated_part,
)
