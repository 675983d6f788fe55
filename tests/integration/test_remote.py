"""The remote encoder and reranker against a server that speaks as vLLM does and answers with
our own models on a tiny checkpoint."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi.responses import StreamingResponse
from made_contents import BROKEN, encoded, frames
from PIL import Image
from tiny_qwen3_vl import make_checkpoint
from vllm_server import EMBEDDING, RERANKER, Fault, VllmServer, answer, hang, reason

from kb.config.models import (
    Qwen3VLEncoderConfig,
    Qwen3VLRerankerConfig,
    RemoteEncoderConfig,
    RemoteRerankerConfig,
)
from kb.content import Content
from kb.device.placement import SharedDevice
from kb.errors import (
    IndexMismatchError,
    InferenceError,
    KnowledgeBaseError,
    ModelLoadError,
    PromptTooLongError,
)
from kb.index.assets import AssetStore
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.models.encoders.remote import RemoteEncoder
from kb.models.remote.content import embedding_body
from kb.models.remote.http import JsonClient
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker
from kb.models.rerankers.remote import RemoteReranker
from kb.types import Chunk, EncodedImage, Frame, FrameRef, Hit, Kind, Locator, Modality, Query

DIM = 64
SAME = 0.999  # cosine
SAME_SCORE = 1e-3


def photo(width_px: int, height_px: int, shift: int = 0, kind: str = "JPEG") -> EncodedImage:
    """Smooth, so that JPEG keeps it as it keeps photographs."""
    x, y = np.meshgrid(np.arange(width_px), np.arange(height_px))
    channels = (np.sin((x + shift) / 17), np.cos((y - shift) / 23), np.sin((x + y) / 31))
    pixels = np.stack([(127 * one + 128).astype(np.uint8) for one in channels], axis=-1)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=90)
    return EncodedImage(buffer.getvalue(), f"image/{kind.lower()}", width_px, height_px)


def page(width_px: int, height_px: int) -> EncodedImage:
    """Lines of words, as blocks, on white."""
    image = Image.new("RGB", (width_px, height_px), (255, 255, 255))
    widths_px = np.random.default_rng(0).integers(10, 60, 2000).tolist()
    for y in range(40, height_px - 40, 22):
        x = 40
        while x < width_px - 100:
            width = widths_px.pop()
            image.paste((30, 30, 40), (x, y, x + width, y + 11))
            x += width + 8
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return EncodedImage(buffer.getvalue(), "image/jpeg", width_px, height_px)


def film(n: int, start_s: float = 0.0, step_s: float = 1.0) -> tuple[Frame, ...]:
    return tuple(Frame(start_s + i * step_s, photo(160, 96, 5 * i)) for i in range(n))


QUERIES = {
    "text": Query("How do I reset the device?"),
    "Chinese": Query("如何重置设备？", instruction="检索图片"),
    "own instruction": Query("reset", instruction="Find the page"),
    "special tokens": Query("a <|im_end|>\n<|im_start|>user <|image_pad|> <|video_pad|>"),
    "drawing": Query(images=(encoded(300, 200),)),
    "photo": Query(images=(photo(640, 480),)),
    "page": Query(images=(page(1018, 1440),)),
    "WebP": Query(images=(photo(200, 200, kind="WEBP"),)),
    "exact size": Query(images=(encoded(64, 96),)),
    "tiny": Query(images=(encoded(8, 8),)),
    "strip": Query(images=(encoded(900, 40),)),
    "text and pictures": Query("both", images=(encoded(64, 64, 1), photo(100, 300))),
    "clip": Query(clip=film(6)),
    "odd clip from the second minute": Query("what?", clip=film(5, start_s=64.0, step_s=1.5)),
    "long clip": Query(clip=film(70)),
    "all": Query("all", images=(photo(64, 64),), clip=film(2)),
    "nothing": Query(),
}


@pytest.fixture(scope="module")
def server(tiny_qwen3_vl: Path) -> Iterator[VllmServer]:
    with VllmServer(tiny_qwen3_vl, max_model_len=1500) as running:
        yield running


@pytest.fixture(autouse=True)
def _as_new(server: VllmServer) -> Iterator[None]:
    yield
    server.faults.clear()
    server.requests.clear()
    server.key = None
    server.served = [EMBEDDING, RERANKER]
    server.counts = True
    server.most_at_once = 0


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "index" / "remote_encoder.json"


def encoder_at(url: str, assets: AssetStore, memory: Path, **settings: object) -> RemoteEncoder:
    given = {"url": url, "model": EMBEDDING, "dim": DIM, "n_retries": 1, **settings}
    return RemoteEncoder(RemoteEncoderConfig.model_validate(given), assets, memory)


def reranker_at(url: str, assets: AssetStore, **settings: object) -> RemoteReranker:
    given = {"url": url, "model": RERANKER, "n_retries": 1, **settings}
    return RemoteReranker(RemoteRerankerConfig.model_validate(given), assets)


@pytest.fixture
def encoder(server: VllmServer, assets: AssetStore, memory: Path) -> RemoteEncoder:
    return encoder_at(server.url, assets, memory)


@pytest.fixture
def connected(encoder: RemoteEncoder, server: VllmServer) -> RemoteEncoder:
    encoder.warm()
    server.requests.clear()
    return encoder


@pytest.fixture
def reranker(server: VllmServer, assets: AssetStore) -> RemoteReranker:
    found = reranker_at(server.url, assets)
    found.warm()
    return found


@pytest.fixture
def local(tiny_qwen3_vl: Path, assets: AssetStore) -> Qwen3VLEncoder:
    config = Qwen3VLEncoderConfig(model="tiny", device="cpu")
    return Qwen3VLEncoder(config, tiny_qwen3_vl, assets, SharedDevice.alone())


@pytest.fixture
def local_reranker(tiny_qwen3_vl: Path, assets: AssetStore) -> Qwen3VLReranker:
    config = Qwen3VLRerankerConfig(model="tiny", device="cpu")
    return Qwen3VLReranker(config, tiny_qwen3_vl, assets, SharedDevice.alone())


def chunk(text: str = "", image: EncodedImage | None = None, clip: tuple[Frame, ...] = (), **kw):  # type: ignore[no-untyped-def]
    assets: AssetStore = kw["assets"]
    shown = Modality.VIDEO if clip else Modality.IMAGE if image else Modality.TEXT
    return Chunk(
        id=text or shown.value,
        document_sha256="d",
        ordinal=0,
        kind=Kind.PDF,
        modality=shown,
        locator=Locator(page=1),
        text=text,
        title="Manual",
        image=assets.put(image) if image else None,
        frames=tuple(FrameRef(frame.time_s, assets.put(frame.image)) for frame in clip),
    )


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class TestSameAsHere:
    def test_questions(self, encoder: RemoteEncoder, local: Qwen3VLEncoder) -> None:
        queries = [*QUERIES.values()]
        found, expected = encoder.encode_queries(queries), local.encode_queries(queries)
        assert found.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
        cosines = dict(zip(QUERIES, (found * expected).sum(axis=1).tolist(), strict=True))
        assert {name: cosine for name, cosine in cosines.items() if cosine < SAME} == {}
        # Random weights still tell the inputs apart, so the comparison means something.
        others = found @ expected.T - 2 * np.eye(len(queries))
        assert others.max() < SAME

    def test_chunks(
        self, encoder: RemoteEncoder, local: Qwen3VLEncoder, assets: AssetStore
    ) -> None:
        chunks = [
            chunk("Hold the power button.", assets=assets),
            chunk("words on it", photo(512, 400), assets=assets),
            chunk(image=encoded(96, 64), assets=assets),
            chunk("subtitles", clip=film(7, start_s=30.0), assets=assets),
        ]
        found, expected = encoder.encode_chunks(chunks), local.encode_chunks(chunks)
        assert (found * expected).sum(axis=1).min() >= SAME

    def test_scores(
        self, reranker: RemoteReranker, local_reranker: Qwen3VLReranker, assets: AssetStore
    ) -> None:
        texts = [chunk(f"Step {i}: hold the button. " * i, assets=assets) for i in range(10)]
        shown = [
            chunk("words of the page", page(509, 720), assets=assets),
            chunk("chart", photo(512, 384), assets=assets),
            chunk(image=encoded(300, 200), assets=assets),
            chunk("film", clip=film(6), assets=assets),
        ]
        hits = [Hit(one, "a.pdf") for one in (*texts, *shown)]
        for query in (
            QUERIES["text"],
            QUERIES["photo"],
            QUERIES["own instruction"],
            QUERIES["special tokens"],
            Query("and this?", clip=film(4)),
        ):
            found, expected = reranker.rerank(query, hits), local_reranker.rerank(query, hits)
            assert found.dtype == np.float32
            alike = [not (query.clip and hit.chunk.frames) for hit in hits]
            assert (np.abs(found - expected)[alike] <= SAME_SCORE).all()
            assert np.ptp(expected) > 50 * SAME_SCORE

    def test_noise_in_frames(self, encoder: RemoteEncoder, local: Qwen3VLEncoder) -> None:
        query = Query(clip=frames(5, 200, 100))
        found, expected = encoder.encode_queries([query]), local.encode_queries([query])
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_nothing_to_do_asks_nothing(
        self, encoder: RemoteEncoder, reranker: RemoteReranker, server: VllmServer
    ) -> None:
        server.requests.clear()
        assert encoder.encode_queries([]).shape == (0, DIM)
        assert encoder.encode_chunks([]).shape == (0, DIM)
        assert reranker.rerank(Query("a"), []).shape == (0,)
        assert server.requests == []

    def test_longer_vectors_are_cut_and_normalised(
        self, connected: RemoteEncoder, server: VllmServer
    ) -> None:
        vector = np.random.default_rng(0).normal(size=4 * DIM)
        server.faults.append(answer({"data": [{"index": 0, "embedding": vector.tolist()}]}))
        (found,) = connected.encode_queries([Query("a")])
        expected = vector[:DIM] / np.linalg.norm(vector[:DIM])
        np.testing.assert_allclose(found, expected, atol=1e-6)


class TestTheServerOfTheTests:
    """It must notice what vLLM would silently compute otherwise."""

    @pytest.mark.parametrize(
        "change",
        [
            {"continue_final_message": False},
            {"continue_final_message": False, "add_generation_prompt": True},
            {"add_special_tokens": False},
        ],
        ids=["final turn closed", "generation prompt", "special tokens"],
    )
    def test_embedding(self, server: VllmServer, change: dict[str, object]) -> None:
        content = Content.of_query(QUERIES["odd clip from the second minute"])
        body = embedding_body(EMBEDDING, content, "Find it.")
        url = f"{server.url}/v1/embeddings"
        right, wrong = (httpx.post(url, json=one) for one in (body, {**body, **change}))
        assert right.status_code == 200
        assert wrong.status_code == 500

    def test_frames_without_seconds(self, server: VllmServer) -> None:
        content = Content.of_query(QUERIES["odd clip from the second minute"])
        body = embedding_body(EMBEDDING, content, "Find it.")
        url = f"{server.url}/v1/embeddings"
        timed = httpx.post(url, json=body).json()["data"][0]["embedding"]
        del body["media_io_kwargs"]
        untimed = httpx.post(url, json=body).json()["data"][0]["embedding"]
        assert float(np.dot(timed, untimed)) < SAME


MARKED = (Path(__file__).parents[2] / "configs" / "qwen3_vl.jinja").read_text("utf-8").replace(
    "<|video_pad|>", "<|vision_start|><|video_pad|><|vision_end|>"
)  # fmt: skip
JOINED = MARKED.replace("{{- part.text -}}", "{{- part.text + ' ' -}}")
CLIP = Query("what?", clip=film(4))


class TestAServerThatWasStartedWrongly:
    @pytest.fixture
    def wrong(self, tiny_qwen3_vl: Path, request: pytest.FixtureRequest) -> Iterator[VllmServer]:
        with VllmServer(tiny_qwen3_vl, silent=True, **request.param) as running:
            yield running

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"template": JOINED}, r"other words around .*--chat-template configs/qwen3_vl\.jinja"),
            ({"resizes": True}, r"64 x 64 px is 66 tokens there and should be 6\..*do_resize"),
        ],
        indirect=["wrong"],
        ids=["template", "size"],
    )
    def test_it_is_not_used(
        self, wrong: VllmServer, assets: AssetStore, memory: Path, said: str
    ) -> None:
        for ask in (
            encoder_at(wrong.url, assets, memory).warm,
            reranker_at(wrong.url, assets).warm,
        ):
            with pytest.raises(ModelLoadError, match=said):
                ask()
        assert not memory.exists()

    @pytest.mark.parametrize("wrong", [{"pools_last": False}], indirect=True)
    def test_pooling(self, wrong: VllmServer, assets: AssetStore, memory: Path) -> None:
        with pytest.raises(ModelLoadError, match=r"last token.*LAST"):
            encoder_at(wrong.url, assets, memory).warm()

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"trusts": False}, r"takes no clips .*disabled.*--trust-request-mm-kwargs"),
            ({"template": MARKED}, r"leaves marks around each.*--chat-template"),
        ],
        indirect=["wrong"],
        ids=["no times", "marks"],
    )
    def test_a_clip_is_refused_and_the_rest_is_not(
        self, wrong: VllmServer, assets: AssetStore, memory: Path, said: str
    ) -> None:
        encoder = encoder_at(wrong.url, assets, memory)
        found = [chunk("a", assets=assets), chunk("b", clip=film(4), assets=assets)]
        with pytest.raises(InferenceError, match=said) as raised:
            encoder.encode_chunks(found)
        assert sorted(raised.value.items) == [1]
        assert encoder.encode_chunks(found[:1]).shape == (1, DIM)

    @pytest.mark.parametrize("wrong", [{"trusts": False}], indirect=True)
    def test_clips_are_reranked_as_pictures_of_each_pair(
        self, wrong: VllmServer, assets: AssetStore
    ) -> None:
        hits = [Hit(chunk("b", clip=film(4), assets=assets), "a.mp4")]
        assert 0 < reranker_at(wrong.url, assets).rerank(Query("a"), hits)[0] < 1
        sent = wrong.bodies("/classify")[-1]["messages"][1]["content"]
        assert [part["type"] for part in sent] == [
            "text", "text", "text", "text", "image_url", "text", "image_url", "text"
        ]  # fmt: skip

    def test_a_server_that_fails_at_clips(
        self, server: VllmServer, assets: AssetStore, memory: Path
    ) -> None:
        """As vLLM 0.16 does, which knows no times of frames."""
        encoder = encoder_at(server.url, assets, memory, n_retries=0)
        encoder.warm()
        server.faults.append(reason("KeyError", 500))
        with pytest.raises(
            InferenceError, match=r"takes no clips\. Start vLLM, 0\.32 or"
        ) as raised:
            encoder.encode_queries([CLIP])
        assert sorted(raised.value.items) == [0]
        assert encoder.encode_queries([Query("a")]).shape == (1, DIM)

    def test_a_server_that_does_not_count_tokens(
        self, server: VllmServer, assets: AssetStore, memory: Path
    ) -> None:
        """Some gateways leave the numbers out: what can be seen without them is."""
        server.counts = False
        encoder = encoder_at(server.url, assets, memory)
        assert encoder.encode_queries([Query("a")]).shape == (1, DIM)
        with pytest.raises(InferenceError, match="does not say how many tokens"):
            encoder.encode_queries([CLIP])


class TestConcurrency:
    def test_as_many_at_once_as_set_and_in_order(
        self, server: VllmServer, assets: AssetStore, memory: Path
    ) -> None:
        encoder = encoder_at(server.url, assets, memory, n_parallel=3)
        encoder.warm()
        texts = [f"text {i}" for i in range(24)]
        for _ in texts:
            server.faults.append(hang(0.02))
        found = encoder.encode_queries([Query(text) for text in texts])
        assert server.most_at_once == 3
        alone = np.stack([encoder.encode_queries([Query(text)])[0] for text in texts])
        np.testing.assert_allclose(found, alone, atol=1e-5)

    def test_a_question_does_not_wait_for_ingest(
        self, server: VllmServer, assets: AssetStore, memory: Path
    ) -> None:
        encoder = encoder_at(server.url, assets, memory, n_parallel=2)
        encoder.warm()
        server.most_at_once = 0
        server.faults.extend([hang(3.0)] * 2)
        chunks = [chunk(f"page {i}", assets=assets) for i in range(4)]
        ingest = threading.Thread(target=encoder.encode_chunks, args=(chunks,))
        ingest.start()
        while server.most_at_once < 2:
            time.sleep(0.01)
        start = time.monotonic()
        encoder.encode_queries([Query("a")])
        assert time.monotonic() - start < 2
        ingest.join()

    def test_each_document_is_asked_for(
        self, reranker: RemoteReranker, server: VllmServer, assets: AssetStore
    ) -> None:
        hits = [Hit(chunk(f"page {i}", assets=assets), "a.pdf") for i in range(20)]
        server.requests.clear()
        scores = reranker.rerank(Query("page 7"), hits)
        assert len(server.bodies("/classify")) == 20
        for i in (0, 9, 19):
            alone = reranker.rerank(Query("page 7"), hits[i : i + 1])
            assert scores[i] == pytest.approx(float(alone[0]), abs=SAME_SCORE)

    def test_the_first_error_ends_the_rest(
        self, server: VllmServer, assets: AssetStore, memory: Path
    ) -> None:
        encoder = encoder_at(server.url, assets, memory, n_parallel=2, n_retries=0)
        encoder.warm()
        server.requests.clear()
        server.faults.extend([reason("out of memory", 500), *[hang(0.1)] * 100])
        with pytest.raises(InferenceError, match="out of memory"):
            encoder.encode_queries([Query(f"{i}") for i in range(100)])
        assert len(server.requests) < 10


class TestTryingAgain:
    def test_after_429_it_waits_as_long_as_it_is_told(
        self, connected: RemoteEncoder, server: VllmServer
    ) -> None:
        server.faults.append(reason("too many requests", 429, **{"Retry-After": "1"}))
        start = time.monotonic()
        assert connected.encode_queries([Query("a")]).shape == (1, DIM)
        assert 1.0 <= time.monotonic() - start < 5
        assert len(server.requests) == 2

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_after_a_failure_of_the_server(
        self, connected: RemoteEncoder, server: VllmServer, status: int
    ) -> None:
        server.faults.append(reason("engine restarting", status))
        assert connected.encode_queries([Query("a")]).shape == (1, DIM)

    def test_429_to_the_end(self, connected: RemoteEncoder, server: VllmServer) -> None:
        server.faults.extend([reason("slow down", 429)] * 2)
        with pytest.raises(InferenceError, match=r"\(429\) \(2 tries, .*n_parallel") as raised:
            connected.encode_queries([Query("a")])
        assert raised.value.items == {}
        assert len(server.requests) == 2

    def test_it_does_not_wait_an_hour(self, connected: RemoteEncoder, server: VllmServer) -> None:
        server.faults.append(reason("quota", 429, **{"Retry-After": "3600"}))
        start = time.monotonic()
        told = r"asks to wait 3600 s, longer than the 60 s that are waited for \(1 try, 0\.\d s"
        with pytest.raises(InferenceError, match=told):
            connected.encode_queries([Query("a")])
        assert time.monotonic() - start < 2
        assert len(server.requests) == 1

    def test_500_to_the_end(self, connected: RemoteEncoder, server: VllmServer) -> None:
        server.faults.extend([reason("CUDA error", 500)] * 2)
        with pytest.raises(
            InferenceError, match=r"failed \(500\): CUDA error\. See its log \(2 tries, "
        ):
            connected.encode_queries([Query("a")])

    def test_each_wait_is_longer(
        self, server: VllmServer, assets: AssetStore, memory: Path
    ) -> None:
        encoder = encoder_at(server.url, assets, memory, n_retries=3)
        encoder.warm()
        server.requests.clear()
        server.faults.extend([reason("busy", 503)] * 3)
        start = time.monotonic()
        encoder.encode_queries([Query("a")])
        # 0.5 + 1 + 2 s, each taken to a half at least.
        assert 1.75 <= time.monotonic() - start < 8
        assert len(server.requests) == 4

    def test_after_a_lost_connection(self) -> None:
        """The first connection is closed without an answer."""
        models = json.dumps({"data": [{"id": RERANKER}]}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(models)}\r\nConnection: close\r\n\r\n"
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve() -> None:
                listener.accept()[0].close()
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(head.encode() + models)

            thread = threading.Thread(target=serve)
            thread.start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            config = RemoteRerankerConfig(url=url, model=RERANKER, n_retries=1)
            JsonClient(config, "reranker").check_model()
            thread.join()


class TestServerAtFault:
    def test_down(self, assets: AssetStore, memory: Path) -> None:
        url = f"http://127.0.0.1:{closed_port()}"
        for ask in (encoder_at(url, assets, memory).warm, reranker_at(url, assets).warm):
            with pytest.raises(ModelLoadError, match=r"can't be reached .*Start it, or correct"):
                ask()

    def test_slow(self, server: VllmServer, assets: AssetStore, memory: Path) -> None:
        encoder = encoder_at(server.url, assets, memory, timeout_s=0.5)
        encoder.warm()
        server.requests.clear()
        server.faults.append(hang(1.5))
        start = time.monotonic()
        with pytest.raises(
            InferenceError, match=r"within 0\.5 s \(1 try, 0\.[5-9] s in all\).*encoder\.timeout_s"
        ):
            encoder.encode_queries([Query("a")])
        assert time.monotonic() - start < 1.4
        assert len(server.requests) == 1, "a slow answer is not asked for twice"

    def test_an_answer_that_never_ends(
        self, server: VllmServer, assets: AssetStore, memory: Path
    ) -> None:
        encoder = encoder_at(server.url, assets, memory, timeout_s=0.5)
        encoder.warm()

        def drops() -> Iterator[bytes]:
            for _ in range(30):
                time.sleep(0.1)
                yield b" "

        server.faults.append(lambda: StreamingResponse(drops()))
        start = time.monotonic()
        with pytest.raises(InferenceError, match="did not answer within"):
            encoder.encode_queries([Query("a")])
        assert time.monotonic() - start < 1.5

    @pytest.mark.parametrize(
        ("fault", "found"),
        [
            (answer("<html>Welcome to nginx</html>"), "Welcome to nginx"),
            (answer(""), "JSON was expected"),
            (answer([1, 2]), "list where a JSON object"),
            (answer({"object": "list"}), r"one vector was expected"),
            (answer({"data": []}), "0 rows"),
            (answer({"data": [{"embedding": [1.0] * DIM}] * 2}), "2 rows"),
            (answer({"data": ["vector"]}), "one vector was expected"),
            (answer({"data": [{"index": 0}]}), "a vector of finite numbers"),
            (answer({"data": [{"embedding": "AAAA"}]}), "a vector of numbers"),
            (answer({"data": [{"embedding": [[1.0] * DIM]}]}), "2 axes"),
            (answer({"data": [{"embedding": [1.0] * (DIM - 1)}]}), f"{DIM} numbers or more"),
            (answer({"data": [{"embedding": [0.0] * DIM}]}), "zeros"),
            (answer({"data": [{"embedding": [float("nan")] * DIM}]}), "NaN"),
            (answer({"data": [{"embedding": [1e300] * DIM}]}), "infinities"),
            (answer("", 302, Location="http://127.0.0.1:1/"), r"failed \(302\)"),
        ],
    )
    def test_nonsense(
        self, connected: RemoteEncoder, server: VllmServer, fault: Fault, found: str
    ) -> None:
        server.faults.append(fault)
        with pytest.raises(InferenceError, match=found) as raised:
            connected.encode_queries([Query("a")])
        assert raised.value.model_id == EMBEDDING
        assert raised.value.items == {}
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "rows",
        [
            "none",
            [],
            [0.5],
            [{"index": 0}],
            [{"index": 0, "probs": 0.5}],
            [{"index": 0, "probs": [0.5, 0.5]}],
            [{"index": 0, "probs": ["high"]}],
            [{"index": 0, "probs": [1.5]}],
            [{"index": 0, "probs": [float("nan")]}],
            [{"index": 0, "probs": [0.5]}] * 2,
        ],
    )
    def test_nonsense_scores(
        self, reranker: RemoteReranker, server: VllmServer, assets: AssetStore, rows: object
    ) -> None:
        hits = [Hit(chunk("one", assets=assets), "a.pdf")]
        server.faults.append(answer({"data": rows}))
        with pytest.raises(InferenceError, match=r"expected.*reranker\.url"):
            reranker.rerank(Query("a"), hits)


class TestWrongServer:
    def test_a_key_is_wanted(self, server: VllmServer, encoder: RemoteEncoder) -> None:
        server.key = "sk-of-the-server"
        with pytest.raises(ModelLoadError, match=r"wants an API key \(401\).*encoder\.api_key"):
            encoder.warm()

    def test_the_key_is_sent_and_never_shown(
        self,
        server: VllmServer,
        assets: AssetStore,
        memory: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        server.key = "sk-secret"
        monkeypatch.setenv("KB_TEST_KEY", "sk-secret")
        encoder = encoder_at(server.url, assets, memory, api_key="$KB_TEST_KEY", n_retries=0)
        encoder.warm()
        faults = (
            reason("key sk-secret is over its quota", 429),
            reason("key sk-secret failed", 500),
            reason("key sk-secret may not", 400),
            answer("key sk-secret"),
        )
        for fault in faults:
            server.faults.append(fault)
            with pytest.raises(InferenceError) as raised:
                encoder.encode_queries([Query("a")])
            assert "sk-secret" not in str(raised.value)
        server.key = "sk-another"
        with pytest.raises(ModelLoadError, match="refuses the API key") as refused:
            encoder.encode_queries([Query("a")])
        assert "sk-secret" not in str(refused.value)

    def test_another_model_name(
        self, server: VllmServer, encoder: RemoteEncoder, assets: AssetStore, memory: Path
    ) -> None:
        other = encoder_at(server.url, assets, memory, model="Qwen/Qwen3-VL-Embedding-8B")
        with pytest.raises(ModelLoadError, match=f"it serves {EMBEDDING}, {RERANKER}. Set encoder"):
            other.warm()
        # And when the server changes while we run.
        encoder.warm()
        server.served = ["qwen2"]
        with pytest.raises(ModelLoadError, match="it serves qwen2"):
            encoder.encode_queries([Query("a")])

    def test_another_path(self, server: VllmServer, assets: AssetStore, memory: Path) -> None:
        with pytest.raises(ModelLoadError, match=r"has no /models \(404\)"):
            encoder_at(f"{server.url}/api", assets, memory).warm()

    def test_a_model_for_another_task(self, connected: RemoteEncoder, server: VllmServer) -> None:
        server.faults.append(reason("The model does not support Embeddings API", 501))
        with pytest.raises(ModelLoadError, match=r"has no /embeddings \(501\).*--runner pooling"):
            connected.encode_queries([Query("a")])

    def test_a_model_without_pictures(self, encoder: RemoteEncoder, server: VllmServer) -> None:
        words = [hang(0)] * 5  # the list of models, a chat, and three prompts
        server.faults.extend([*words, reason("bert is not a multimodal model", 400)])
        with pytest.raises(ModelLoadError, match=r"not a multimodal model.*Qwen3-VL-Embedding"):
            encoder.warm()

    def test_vectors_that_are_too_short(
        self, server: VllmServer, assets: AssetStore, memory: Path
    ) -> None:
        encoder = encoder_at(server.url, assets, memory, dim=2048)
        with pytest.raises(ModelLoadError, match=f"have {DIM}. Set encoder.dim to {DIM} or less"):
            encoder.warm()
        assert not memory.exists()

    def test_a_proxy_is_not_asked_for_this_computer(
        self,
        server: VllmServer,
        assets: AssetStore,
        memory: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        encoder_at(server.url, assets, memory, n_retries=0).warm()

    def test_a_server_that_comes_back_is_used(
        self, encoder: RemoteEncoder, server: VllmServer
    ) -> None:
        server.faults.extend([reason("starting", 503)] * 2)
        with pytest.raises(InferenceError):
            encoder.encode_queries([Query("a")])
        assert encoder.encode_queries([Query("a")]).shape == (1, DIM)


class TestKnownVectors:
    def test_another_model_behind_the_same_name(
        self,
        server: VllmServer,
        assets: AssetStore,
        memory: Path,
        tmp_path: Path,
        tiny_qwen3_vl: Path,
    ) -> None:
        encoder_at(server.url, assets, memory).warm()
        server.serve(make_checkpoint(tmp_path / "another", seed=1))
        try:
            with pytest.raises(IndexMismatchError, match=r"is not the model .*kb sync --reembed"):
                encoder_at(server.url, assets, memory).encode_queries([Query("a")])
        finally:
            server.serve(tiny_qwen3_vl)
        encoder_at(server.url, assets, memory).warm()

    def test_the_fingerprint_outlives_the_server(
        self, server: VllmServer, assets: AssetStore, memory: Path
    ) -> None:
        first = encoder_at(server.url, assets, memory).fingerprint
        assert first.startswith(f"{EMBEDDING}@")
        assert first.endswith(f":dim{DIM}")
        down = f"http://127.0.0.1:{closed_port()}"
        assert encoder_at(down, assets, memory).fingerprint == first
        with pytest.raises(KnowledgeBaseError, match="can't be reached"):
            _ = encoder_at(down, assets, memory, model="never seen").fingerprint

    def test_the_server_is_asked_once(self, encoder: RemoteEncoder, server: VllmServer) -> None:
        for _ in range(3):
            encoder.encode_queries([Query("a")])
        assert len(server.requests) == 5 + 2 + 3


class TestItems:
    def test_a_broken_picture_and_a_refused_text_are_named(
        self, connected: RemoteEncoder, assets: AssetStore
    ) -> None:
        chunks = [
            chunk("fine", assets=assets),
            chunk("broken", BROKEN, assets=assets),
            chunk("too long " * 2000, assets=assets),
            chunk("fine too", assets=assets),
            chunk("thin", EncodedImage(encoded(900, 4).data, "image/png", 900, 4), assets=assets),
        ]
        with pytest.raises(InferenceError, match="3 of 5 inputs") as raised:
            connected.encode_chunks(chunks)
        items = raised.value.items
        assert sorted(items) == [1, 2, 4]
        assert "could not be decoded" in items[1]
        assert "maximum context length is 1500" in items[2]
        assert "225 times" in items[4]
        kept = [one for i, one in enumerate(chunks) if i not in items]
        assert connected.encode_chunks(kept).shape == (2, DIM)

    def test_a_question_that_is_too_long(
        self, connected: RemoteEncoder, reranker: RemoteReranker, assets: AssetStore
    ) -> None:
        question = Query("too long " * 2000)
        with pytest.raises(PromptTooLongError, match="--max-model-len"):
            connected.encode_queries([question])
        with pytest.raises(PromptTooLongError, match="--max-model-len"):
            reranker.rerank(question, [Hit(chunk("a", assets=assets), "a.pdf")])

    def test_documents_that_cannot_be_scored_have_zero(
        self, reranker: RemoteReranker, assets: AssetStore
    ) -> None:
        hits = [
            Hit(chunk("fine", assets=assets), "a.pdf"),
            Hit(chunk("broken", BROKEN, assets=assets), "b.pdf"),
            Hit(chunk("too long " * 2000, assets=assets), "c.pdf"),
            Hit(chunk("fine too", assets=assets), "d.pdf"),
        ]
        scores = reranker.rerank(Query("a"), hits)
        assert scores[1] == scores[2] == 0
        expected = reranker.rerank(Query("a"), [hits[0], hits[3]])
        np.testing.assert_allclose(scores[[0, 3]], expected, atol=SAME_SCORE)
        assert expected.min() > 0
        # Alone, too: the question is not to blame.
        assert reranker.rerank(Query("a"), hits[1:3]).tolist() == [0, 0]

    def test_a_question_whose_picture_is_broken(
        self, connected: RemoteEncoder, reranker: RemoteReranker, assets: AssetStore
    ) -> None:
        with pytest.raises(InferenceError, match="could not be decoded") as raised:
            connected.encode_queries([Query("a"), Query(images=(BROKEN,))])
        assert sorted(raised.value.items) == [1]
        with pytest.raises(InferenceError, match="could not be decoded"):
            reranker.rerank(Query(images=(BROKEN,)), [Hit(chunk("a", assets=assets), "a.pdf")])
