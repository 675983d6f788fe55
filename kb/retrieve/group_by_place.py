"""Which chunks show the same place, so that it is one result."""

from __future__ import annotations

from collections.abc import Sequence

from kb.types import Chunk, Modality

__all__ = ["group_by_place"]

# Chunks of one text share some tokens with the next by configuration; only when half of the
# shorter one stands in the other do both say the same.
_SAME_SHARE = 0.5
_PROBE_CHARS = 32


def group_by_place(chunks: Sequence[Chunk]) -> list[list[int]]:
    """Groups of indices of `chunks` that show one place.

    One place is: a page of a document (its words and its image); stretches of text of which
    the shorter is half within the other; windows of video of which the shorter is half
    within the other. A window that spans others (the overview of a long clip) belongs to the
    best of them, since it says the same less exactly.

    Args:
        chunks: Best first.

    Returns:
        Groups in order of their best member; within a group the best first, but spanning
        windows after those they span.
    """
    groups: list[list[int]] = []
    by_document: dict[str, list[list[int]]] = {}
    spanning = {index for index, chunk in enumerate(chunks) if _spans_others(chunk, chunks)}
    for index in sorted(range(len(chunks)), key=lambda index: (index in spanning, index)):
        chunk = chunks[index]
        siblings = by_document.setdefault(chunk.document_sha256, [])
        group = next((group for group in siblings if _same_place(chunks[group[0]], chunk)), None)
        if group is None:
            group = []
            siblings.append(group)
            groups.append(group)
        group.append(index)
    return sorted(groups, key=min)


def _same_place(one: Chunk, other: Chunk) -> bool:
    """Of two chunks of one document."""
    a, b = one.locator, other.locator
    if a.page is not None and a.page == b.page and (_is_seen(one) or _is_seen(other)):
        return True
    if a.page != b.page:
        return False
    if one.modality is Modality.VIDEO and other.modality is Modality.VIDEO:
        shared_s, shorter_s = _overlap_s(one, other)
        return shared_s > 0 and shared_s >= _SAME_SHARE * shorter_s
    if one.modality is Modality.TEXT and other.modality is Modality.TEXT:
        shorter = min(len(one.text), len(other.text))
        return 0 < _SAME_SHARE * shorter <= _shared_chars(one, other)
    return False


def _is_seen(chunk: Chunk) -> bool:
    """Whether it stands on a page that has an image, unlike the rows of a sheet, of which a
    page holds any number."""
    return bool(chunk.locator.boxes) or chunk.modality is Modality.IMAGE


def _spans_others(chunk: Chunk, chunks: Sequence[Chunk]) -> bool:
    if chunk.modality is not Modality.VIDEO:
        return False
    length_s = _length_s(chunk)
    return any(
        other.document_sha256 == chunk.document_sha256
        and other.modality is Modality.VIDEO
        and 0 < 2 * _length_s(other) < length_s
        and _overlap_s(chunk, other)[0] >= _SAME_SHARE * _length_s(other)
        for other in chunks
    )


def _length_s(chunk: Chunk) -> float:
    place = chunk.locator
    return (place.end_s or 0.0) - (place.start_s or 0.0)


def _overlap_s(one: Chunk, other: Chunk) -> tuple[float, float]:
    """Seconds that both show, and the seconds of the shorter."""
    a, b = one.locator, other.locator
    shared_s = min(a.end_s or 0.0, b.end_s or 0.0) - max(a.start_s or 0.0, b.start_s or 0.0)
    return max(0.0, shared_s), min(_length_s(one), _length_s(other))


def _shared_chars(one: Chunk, other: Chunk) -> int:
    """Characters at the end of the one that are the beginning of the other, or all of it."""
    first, second = (one, other) if one.ordinal <= other.ordinal else (other, one)
    if second.text in first.text:
        return len(second.text)
    if first.text in second.text:
        return len(first.text)
    at = first.text.find(second.text[:_PROBE_CHARS])
    while at >= 0:
        if second.text.startswith(first.text[at:]):
            return len(first.text) - at
        at = first.text.find(second.text[:_PROBE_CHARS], at + 1)
    return 0
