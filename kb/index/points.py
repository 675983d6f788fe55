"""From chunks to the points that the store holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kb.errors import InferenceError
from kb.protocols import DocumentLabels, Encoder, Encoders, Float32Array, Point
from kb.stopping import check
from kb.types import Chunk

__all__ = ["make_points", "words_alone"]


def make_points(
    chunks: Sequence[Chunk],
    encoders: Encoders,
    labels: Mapping[str, DocumentLabels],
    described: Mapping[str, Float32Array] | None = None,
) -> tuple[list[Point], dict[str, str]]:
    """A point a chunk, with every vector that `encoders` give for it.

    Args:
        labels: Of the chunks' documents, by sha256. One that has none is no document any more,
            and its points go as soon as they are written.
        described: By chunk id, what ``encoders.picture`` gave where it was asked already.

    Returns:
        The points, and by chunk id why it has no dense vector where its encoder refused just
        that chunk: it is found by its words and pictures all the same.

    Raises:
        InferenceError: An encoder failed as a whole.
    """
    dense, refused = _dense(chunks, encoders.dense)
    sparse = encoders.sparse.encode_chunks(chunks)
    points = []
    for chunk, words in zip(chunks, sparse, strict=True):
        check()
        picture = (described or {}).get(chunk.id)
        if picture is None and encoders.picture is not None and chunk.pictures:
            picture = encoders.picture.encode_chunk(chunk)
        points.append(
            Point(
                id=chunk.id,
                document_sha256=chunk.document_sha256,
                modality=chunk.modality,
                kind=chunk.kind,
                dense=dense.get(chunk.id),
                sparse=words if len(words.indices) else None,
                picture=picture if picture is not None and len(picture) else None,
                labels=labels.get(chunk.document_sha256, DocumentLabels()),
            )
        )
    return points, refused


def words_alone(reasons: Sequence[str]) -> str:
    """What is amiss with a document of which the encoder refused as many parts."""
    part = "A part is" if len(reasons) == 1 else f"{len(reasons)} parts are"
    return f"{part} found by words alone: {reasons[0]}"


def _dense(
    chunks: Sequence[Chunk], encoder: Encoder
) -> tuple[dict[str, Float32Array], dict[str, str]]:
    readable = [chunk for chunk in chunks if encoder.accepts(chunk)]
    refused: dict[str, str] = {}
    while readable:
        try:
            rows = encoder.encode_chunks(readable)
        except InferenceError as error:
            if not error.items:
                raise
            # The others can be encoded without those that are named.
            refused |= {readable[index].id: reason for index, reason in error.items.items()}
            readable = [chunk for chunk in readable if chunk.id not in refused]
        else:
            keys = (chunk.id for chunk in readable)
            return dict(zip(keys, rows, strict=True)), refused
    return {}, refused
