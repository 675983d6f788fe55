"""An Outlook mail, as bytes: a compound file written by hand, since no library writes one.

[MS-CFB] for the container, [MS-OXMSG] for what lies in it.
"""

from __future__ import annotations

import struct
from typing import TypeAlias

Tree: TypeAlias = "dict[str, bytes | Tree]"

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def outlook_mail(
    subject: str, body: str, sender: str, attached: dict[str, bytes] | None = None
) -> bytes:
    """A mail of Outlook's with these texts and attached files."""
    root: Tree = {"__nameid_version1.0": {}}
    strings = {0x001A: "IPM.Note", 0x0037: subject, 0x1000: body, 0x0C1A: sender}
    root["__properties_version1.0"] = _properties(
        root, strings, {}, struct.pack("<8x4I8x", 0, len(attached or {}), 0, len(attached or {}))
    )
    for number, (name, data) in enumerate((attached or {}).items()):
        storage: Tree = {"__substg1.0_37010102": data}
        storage["__properties_version1.0"] = _properties(
            storage, {0x3707: name}, {0x3705: 1}, bytes(8)
        )
        root[f"__attach_version1.0_#{number:08X}"] = storage
    return _compound(root)


def _properties(
    storage: Tree, strings: dict[int, str], numbers: dict[int, int], head: bytes
) -> bytes:
    entries = []
    for which, text in strings.items():
        data = text.encode("utf-16-le")
        storage[f"__substg1.0_{which:04X}001F"] = data
        entries.append(struct.pack("<HHIII", 0x001F, which, 6, len(data) + 2, 0))
    if (held := storage.get("__substg1.0_37010102")) is not None:
        entries.append(struct.pack("<HHIII", 0x0102, 0x3701, 6, len(held), 0))
    for which, value in numbers.items():
        entries.append(struct.pack("<HHIII", 0x0003, which, 6, value, 0))
    return head + b"".join(entries)


def _compound(root: Tree) -> bytes:
    """A compound file of version 3; streams below 4,096 bytes lie in the mini stream."""
    entries: list[list[object]] = []
    sectors: list[bytes] = []
    fat: list[int] = []
    small: list[bytes] = []
    mini_fat: list[int] = []

    def chain(data: bytes, size: int, into: list[bytes], table: list[int]) -> int:
        first = len(into)
        for at in range(0, len(data), size):
            into.append(data[at : at + size].ljust(size, b"\0"))
            table.append(len(into))
        table[-1] = _END
        return first

    def add(name: str, kind: int, node: bytes | Tree) -> int:
        which = len(entries)
        entry: list[object] = [name, kind, _FREE, _FREE, _FREE, 0, 0]
        entries.append(entry)
        if isinstance(node, bytes):
            is_small = len(node) < 4096
            where = (64, small, mini_fat) if is_small else (_SECTOR, sectors, fat)
            entry[5:] = [chain(node or b"\0", *where), len(node)]
            return which
        before = None
        for child in sorted(node, key=lambda one: (len(one), one.upper())):
            number = add(child, 2 if isinstance(node[child], bytes) else 1, node[child])
            if before is None:
                entry[4] = number
            else:
                entries[before][3] = number
            before = number
        return which

    add("Root Entry", 5, root)
    mini = b"".join(small)
    entries[0][5:] = [chain(mini, _SECTOR, sectors, fat), len(mini)]
    mini_table = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    mini_table = mini_table.ljust(-(-len(mini_table) // _SECTOR) * _SECTOR, b"\xff")
    first_mini_fat = chain(mini_table, _SECTOR, sectors, fat)
    directory = b""
    for name, kind, left, right, child, start, size in entries:
        letters = str(name).encode("utf-16-le") + b"\0\0"
        directory += letters.ljust(64, b"\0") + struct.pack(
            "<HBBIII16xI16xIII", len(letters), kind, 1, left, right, child, 0, start, size, 0
        )
    first_of_directory = chain(directory, _SECTOR, sectors, fat)
    n_fat = 1
    while n_fat * 128 < len(fat) + n_fat:
        n_fat += 1
    places = list(range(len(sectors), len(sectors) + n_fat))
    fat += [_FAT] * n_fat
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(n_fat * _SECTOR, b"\xff")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, n_fat, first_of_directory,
        0, 4096, first_mini_fat, len(mini_table) // _SECTOR, _END, 0,
    )  # fmt: skip
    header += struct.pack(f"<{n_fat}I", *places)
    return header.ljust(_SECTOR, b"\xff") + b"".join(sectors) + table
