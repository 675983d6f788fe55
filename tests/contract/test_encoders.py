"""What every encoder of `starter` must do, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from kb.assets import AssetStore
from kb.config import EncoderConfig
from kb.encoders.bm25 import Bm25Encoder
from kb.encoders.picture import PictureDescriptor
from kb.encoders.text import SentenceTransformerEncoder
from kb.protocols import Encoder, PictureEncoder, SparseEncoder, SparseVector
from kb.types import Chunk, EncodedImage, Frame, FrameRef, Kind, Locator, Modality, Query

TEXTS = [
    "How do I reset the device?",
    "lamp",
    "Hold the power button for ten seconds, then release it. " * 30,
    "如何重置设备？长按电源键十秒。",
    "naïve ﬁancée Ω 🙂🙃 \u200d\u0301 \x00 \ud7ff",
    "ünïcödé " * 400,
    "!!!",
    "The of and",
    "RX-200 run_target 3.5",
    "かな カナ 한국어 ภาษาไทย العربية",
]
# Of one text alone and in any batch. bfloat16 products are summed in another order when a
# batch has another shape.
BATCH_COSINE = 0.9999
# Of a picture's row: OpenCV's filters round by where the pixels lie in memory.
ROUNDING = 1e-6


def chunk(text: str, title: str = "") -> Chunk:
    return Chunk("0", "0", 0, Kind.TEXT, Modality.TEXT, Locator(), text, title)


@pytest.fixture(scope="module")
def dense() -> Encoder:
    return SentenceTransformerEncoder(EncoderConfig(batch_tokens=1024))


@pytest.fixture(scope="module")
def sparse() -> SparseEncoder:
    return Bm25Encoder()


class TestDense:
    def test_shape_type_and_length(self, dense: Encoder) -> None:
        for vectors in (
            dense.encode_queries([Query(text) for text in TEXTS]),
            dense.encode_chunks([chunk(text) for text in TEXTS]),
        ):
            assert vectors.shape == (len(TEXTS), dense.dim)
            assert vectors.dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_nothing_gives_no_rows(self, dense: Encoder) -> None:
        assert dense.encode_queries([]).shape == (0, dense.dim)
        assert dense.encode_chunks([]).shape == (0, dense.dim)

    def test_rows_keep_the_order_of_the_input(self, dense: Encoder) -> None:
        forward = dense.encode_chunks([chunk(text) for text in TEXTS])
        backward = dense.encode_chunks([chunk(text) for text in reversed(TEXTS)])
        assert (forward * backward[::-1]).sum(axis=1).min() >= BATCH_COSINE

    def test_a_text_is_the_same_alone_and_in_a_batch(self, dense: Encoder) -> None:
        together = dense.encode_chunks([chunk(text) for text in TEXTS])
        alone = np.concatenate([dense.encode_chunks([chunk(text)]) for text in TEXTS])
        assert (together * alone).sum(axis=1).min() >= BATCH_COSINE

    def test_the_same_input_gives_the_same_bits(self, dense: Encoder) -> None:
        chunks = [chunk(text) for text in TEXTS]
        np.testing.assert_array_equal(dense.encode_chunks(chunks), dense.encode_chunks(chunks))

    def test_threads_do_not_disturb_each_other(self, dense: Encoder) -> None:
        expected = [dense.encode_queries([Query(text)]) for text in TEXTS]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda text: dense.encode_queries([Query(text)]), TEXTS * 2))
        for a, b in zip(found, expected * 2, strict=True):
            assert float((a * b).sum()) >= BATCH_COSINE

    def test_the_title_is_part_of_a_chunk(self, dense: Encoder) -> None:
        plain, titled = dense.encode_chunks([chunk("Hold it."), chunk("Hold it.", "Kettle")])
        assert float(plain @ titled) < 0.99

    def test_what_has_words_is_accepted(self, dense: Encoder) -> None:
        assert dense.accepts(Query("lamp"))
        assert dense.accepts(chunk("lamp"))
        assert not dense.accepts(Query())
        assert not dense.accepts(chunk(""))

    def test_the_fingerprint_is_stable(self, dense: Encoder) -> None:
        other = SentenceTransformerEncoder(EncoderConfig())
        assert dense.fingerprint == other.fingerprint
        assert str(dense.dim) in dense.fingerprint


def equal(a: Sequence[SparseVector], b: Sequence[SparseVector]) -> bool:
    return len(a) == len(b) and all(
        np.array_equal(x.indices, y.indices) and np.array_equal(x.values, y.values)
        for x, y in zip(a, b, strict=True)
    )


class TestSparse:
    def test_types_and_unique_indices(self, sparse: SparseEncoder) -> None:
        for vectors in (
            sparse.encode_queries([Query(text) for text in TEXTS]),
            sparse.encode_chunks([chunk(text) for text in TEXTS]),
        ):
            assert len(vectors) == len(TEXTS)
            for vector in vectors:
                assert vector.indices.dtype == np.uint32
                assert vector.values.dtype == np.float32
                assert vector.indices.shape == vector.values.shape
                assert len(set(vector.indices.tolist())) == len(vector.indices)
                assert (vector.values > 0).all()

    def test_nothing_and_no_words(self, sparse: SparseEncoder) -> None:
        assert sparse.encode_queries([]) == []
        assert sparse.encode_chunks([]) == []
        for vector in (
            *sparse.encode_queries([Query(), Query(" \n!")]),
            *sparse.encode_chunks([chunk("")]),
        ):
            assert vector.indices.shape == (0,)

    def test_order_and_independence_of_the_batch(self, sparse: SparseEncoder) -> None:
        together = sparse.encode_chunks([chunk(text) for text in TEXTS])
        assert equal(together, [sparse.encode_chunks([chunk(text)])[0] for text in TEXTS])

    def test_another_encoder_gives_the_same(self, sparse: SparseEncoder) -> None:
        chunks = [chunk(text) for text in TEXTS]
        assert equal(sparse.encode_chunks(chunks), Bm25Encoder().encode_chunks(chunks))
        assert sparse.fingerprint == Bm25Encoder().fingerprint

    def test_a_text_finds_itself(self, sparse: SparseEncoder) -> None:
        texts = [TEXTS[0], TEXTS[3], TEXTS[8], TEXTS[9]]
        chunks = sparse.encode_chunks([chunk(text) for text in texts])
        for i, query in enumerate(sparse.encode_queries([Query(text) for text in texts])):
            shared = [np.isin(c.indices, query.indices).sum() for c in chunks]
            assert int(np.argmax(shared)) == i

    def test_threads_do_not_disturb_each_other(self, sparse: SparseEncoder) -> None:
        queries = [Query(text) for text in TEXTS]
        expected = sparse.encode_queries(queries)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: sparse.encode_queries(queries), range(16)):
                assert equal(found, expected)


def picture(seed: int) -> EncodedImage:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    large = cv2.resize(pixels, (320, 240), interpolation=cv2.INTER_CUBIC)
    return EncodedImage(cv2.imencode(".png", large)[1].tobytes(), "image/png", 320, 240)


class TestPicture:
    @pytest.fixture
    def assets(self, tmp_path: Path) -> AssetStore:
        return AssetStore(tmp_path)

    @pytest.fixture
    def pictures(self, assets: AssetStore) -> PictureEncoder:
        return PictureDescriptor(assets)

    @pytest.fixture
    def image(self, assets: AssetStore) -> Chunk:
        return Chunk(
            "0", "0", 0, Kind.IMAGE, Modality.IMAGE, Locator(), image=assets.put(picture(0))
        )

    @pytest.fixture
    def clip(self, assets: AssetStore) -> Chunk:
        frames = tuple(FrameRef(float(i), assets.put(picture(i))) for i in range(5))
        return Chunk("0", "0", 0, Kind.VIDEO, Modality.VIDEO, Locator(), frames=frames)

    def test_shape_type_and_length(
        self, pictures: PictureEncoder, image: Chunk, clip: Chunk
    ) -> None:
        query = Query(images=(picture(0), picture(1)))
        for rows in (
            pictures.encode_chunk(image),
            pictures.encode_chunk(clip),
            pictures.encode_query(query),
        ):
            assert rows.ndim == 2
            assert rows.shape[1] == pictures.dim
            assert rows.dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)

    def test_a_clip_has_a_row_a_frame(self, pictures: PictureEncoder, clip: Chunk) -> None:
        rows = pictures.encode_chunk(clip)
        query = pictures.encode_query(Query(images=(picture(3),)))
        assert len(rows) == len(clip.frames)
        assert int((rows @ query.T).max(axis=1).argmax()) == 3

    def test_without_pictures_there_are_no_rows(self, pictures: PictureEncoder) -> None:
        assert pictures.encode_query(Query("words")).shape == (0, pictures.dim)
        assert pictures.encode_chunk(chunk("words")).shape == (0, pictures.dim)

    def test_the_same_input_gives_the_same_rows(
        self, pictures: PictureEncoder, image: Chunk
    ) -> None:
        rows = pictures.encode_chunk(image)
        np.testing.assert_allclose(rows, pictures.encode_chunk(image), atol=ROUNDING)

    def test_a_picture_meets_itself(self, pictures: PictureEncoder, image: Chunk) -> None:
        rows = pictures.encode_chunk(image)
        same, other = (pictures.encode_query(Query(images=(picture(i),))) for i in (0, 9))
        assert float((rows @ same.T).max()) == pytest.approx(1, abs=1e-5)
        assert float((rows @ other.T).max()) < 0.8

    def test_a_queried_clip_counts(self, pictures: PictureEncoder) -> None:
        assert len(pictures.encode_query(Query(clip=(Frame(0.0, picture(0)),)))) == 1

    def test_threads_do_not_disturb_each_other(self, pictures: PictureEncoder, clip: Chunk) -> None:
        expected = pictures.encode_chunk(clip)
        with ThreadPoolExecutor(4) as pool:
            for rows in pool.map(lambda _: pictures.encode_chunk(clip), range(8)):
                np.testing.assert_allclose(rows, expected, atol=ROUNDING)
