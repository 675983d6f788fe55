"""The remote encoder, reranker and generator against vLLM itself: ``make test-vllm``.

It runs on the processor with a tiny checkpoint, and is started with the options that
configs/docker-compose.yml starts it with.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_contents import encoded, frames
from tiny_qwen3_vl import make_checkpoint
from vllm_process import VllmProcess, shipped_options

from benchmarks.parity import Golden, read_set
from kb.config.models import (
    Qwen3VLEncoderConfig,
    Qwen3VLGeneratorConfig,
    Qwen3VLRerankerConfig,
    RemoteEncoderConfig,
    RemoteGeneratorConfig,
    RemoteRerankerConfig,
)
from kb.content import Content
from kb.device.placement import SharedDevice
from kb.errors import ModelLoadError
from kb.index.assets import AssetStore
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.models.encoders.remote import RemoteEncoder
from kb.models.generators.qwen3_vl import Qwen3VLGenerator
from kb.models.generators.remote import RemoteGenerator
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker
from kb.models.rerankers.remote import RemoteReranker
from kb.types import Chunk, Frame, Hit, Kind, Locator, Modality, Query

PYTHON = os.environ.get("KB_VLLM_PYTHON", "")
PARITY_SET = Path(__file__).parents[3] / "shared" / "parity_vllm"
SAME = 1e-4

pytestmark = [
    pytest.mark.skipif(
        not PYTHON, reason="needs vLLM in an environment of its own: make test-vllm"
    ),
    pytest.mark.timeout(1200),
]

LATE = tuple(Frame(64.0 + 1.5 * i, encoded(200, 120, 50 + i)) for i in range(5))
QUERIES = {
    "text": Query("How do I reset the device?"),
    "Chinese": Query("如何重置设备？", instruction="检索图片"),
    "tiny picture": Query(images=(encoded(8, 8),)),
    "pictures and words": Query("both", images=(encoded(64, 64, 1), encoded(300, 200, 2))),
    "clip": Query(clip=frames(6)),
    "odd clip from the second minute": Query("what?", clip=LATE),
    "long clip": Query(clip=tuple(Frame(float(i), encoded(64, 48, i)) for i in range(40))),
    "all": Query("all", images=(encoded(96, 64),), clip=frames(2)),
    "nothing": Query(),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """vLLM's attention on a processor wants larger heads than our other tests have."""
    if PARITY_SET.is_dir():
        return PARITY_SET / "checkpoint"
    return make_checkpoint(tmp_path_factory.mktemp("models") / "tiny", head_size=64)


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> AssetStore:
    return AssetStore(tmp_path_factory.mktemp("assets"))


@pytest.fixture(scope="module")
def golden() -> Golden:
    if not PARITY_SET.is_dir():
        pytest.skip("needs shared/parity_vllm: the published code's outputs")
    return read_set(PARITY_SET)


def served(
    checkpoint: Path, options: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VllmProcess]:
    log = tmp_path_factory.mktemp("vllm") / "log.txt"
    with VllmProcess(Path(PYTHON), checkpoint, options, log) as running:
        yield running


def encoder_at(url: str, checkpoint: Path, dim: int, memory: Path) -> RemoteEncoder:
    config = RemoteEncoderConfig(url=url, model=str(checkpoint), dim=dim, n_retries=0)
    return RemoteEncoder(config, AssetStore(memory / "none"), memory / "known.json")


def hit(assets: AssetStore, text: str, seed: int | None = None) -> Hit:
    shown = None if seed is None else assets.put(encoded(320, 256, seed))
    modality = Modality.TEXT if shown is None else Modality.IMAGE
    chunk = Chunk(text, text, 0, Kind.PDF, modality, Locator(page=1), text, image=shown)
    return Hit(chunk, "a.pdf", dense=0.9, fused=0.9)


@pytest.fixture(scope="class")
def server(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmProcess]:
    yield from served(checkpoint, shipped_options("embedding"), tmp_path_factory)


@pytest.fixture(scope="class")
def local(checkpoint: Path, assets: AssetStore) -> Qwen3VLEncoder:
    config = Qwen3VLEncoderConfig(model="tiny", device="cpu", precision="float32")
    return Qwen3VLEncoder(config, checkpoint, assets, SharedDevice.alone())


@pytest.fixture(scope="class")
def reranker(
    checkpoint: Path, assets: AssetStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RemoteReranker]:
    for server in served(checkpoint, shipped_options("reranker"), tmp_path_factory):
        config = RemoteRerankerConfig(url=server.url, model=str(checkpoint), n_retries=0)
        yield RemoteReranker(config, assets)


@pytest.fixture(scope="class")
def wrong(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteEncoder]:
    folder = tmp_path_factory.mktemp("wrong")
    template = (checkpoint / "chat_template.jinja").read_text("utf-8")
    changed = template.replace("<|im_start|>' + m", "<|im_start|> ' + m")
    (folder / "template.jinja").write_text(changed)
    assert changed != template
    options = [
        "--runner=pooling",
        "--max-model-len=8192",
        f"--chat-template={folder / 'template.jinja'}",
        '--mm-processor-kwargs={"min_pixels": 65536}',
        '--pooler-config={"pooling_type": "MEAN"}',
        "--trust-request-mm-kwargs",
    ]
    for server in served(checkpoint, options, tmp_path_factory):
        yield encoder_at(server.url, checkpoint, 64, folder)


class TestEmbedding:
    @pytest.mark.parametrize("name", QUERIES)
    def test_a_vector_is_the_one_that_is_computed_here(
        self,
        server: VllmProcess,
        local: Qwen3VLEncoder,
        checkpoint: Path,
        tmp_path: Path,
        name: str,
    ) -> None:
        encoder = encoder_at(server.url, checkpoint, local.dim, tmp_path)
        found = encoder.encode_queries([QUERIES[name]])
        expected = local.encode_queries([QUERIES[name]])
        print(f"{name}: largest difference {np.abs(found - expected).max():.1e}")
        np.testing.assert_allclose(found, expected, atol=SAME)

    def test_all_are_the_published_ones(
        self, server: VllmProcess, checkpoint: Path, golden: Golden, tmp_path: Path
    ) -> None:
        dim = golden.embeddings.shape[1]
        encoder = encoder_at(server.url, checkpoint, dim, tmp_path)
        found = encoder.encode_queries(golden.inputs)
        print(f"published: largest difference {np.abs(found - golden.embeddings).max():.1e}")
        np.testing.assert_allclose(found, golden.embeddings, atol=SAME)


class TestReranking:
    def test_scores_are_those_that_are_computed_here(
        self, reranker: RemoteReranker, checkpoint: Path, assets: AssetStore
    ) -> None:
        config = Qwen3VLRerankerConfig(model="tiny", device="cpu", precision="float32")
        local = Qwen3VLReranker(config, checkpoint, assets, SharedDevice.alone())
        documents = [Content.of_query(query) for query in QUERIES.values()]
        for name, query in QUERIES.items():
            asked = Content.of_query(query)
            # A clip by a clip of other seconds is judged otherwise: Limits in the README.
            judged = [one for one in documents if not (asked.clip and one.clip)]
            found, expected = (one.score(asked, judged, "Find it.") for one in (reranker, local))
            print(f"{name}: largest difference {np.abs(found - expected).max():.1e}")
            np.testing.assert_allclose(found, expected, atol=SAME)

    def test_a_clip_by_a_clip_of_the_same_seconds(
        self, reranker: RemoteReranker, checkpoint: Path, assets: AssetStore
    ) -> None:
        config = Qwen3VLRerankerConfig(model="tiny", device="cpu", precision="float32")
        local = Qwen3VLReranker(config, checkpoint, assets, SharedDevice.alone())
        clip = Content.of_query(QUERIES["clip"])
        found, expected = (one.score(clip, [clip]) for one in (reranker, local))
        np.testing.assert_allclose(found, expected, atol=SAME)

    def test_all_are_the_published_ones(self, reranker: RemoteReranker, golden: Golden) -> None:
        documents = [Content.of_query(one) for one in golden.documents]
        queries = [Content.of_query(one) for one in golden.queries]
        found = [reranker.score(one, documents, golden.rerank_instruction) for one in queries]
        print(f"published: largest difference {np.abs(found - golden.rerank).max():.1e}")
        np.testing.assert_allclose(found, golden.rerank, atol=SAME)


def test_chat_with_pictures(
    checkpoint: Path, assets: AssetStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = Qwen3VLGeneratorConfig(
        model="tiny", device="cpu", precision="float32", max_length=8192, max_new_tokens=32
    )
    local = Qwen3VLGenerator(config, checkpoint, assets, SharedDevice.alone())
    words, shown = hit(assets, "Hold the power button."), hit(assets, "", 3)
    question = Query("How do I reset the device?")
    picture = Query("what is this?", images=(encoded(96, 64, 5),))
    for server in served(checkpoint, shipped_options("chat"), tmp_path_factory):
        given = {"url": server.url, "model": str(checkpoint), "n_retries": 0, "max_length": 8192}
        settings = RemoteGeneratorConfig.model_validate({**given, "max_new_tokens": 32})
        remote = RemoteGenerator(settings, assets)
        for query, hits in ((question, [words]), (question, [words, shown]), (picture, [words])):
            # Each prompt has a nonce of its own, so both are given the same one.
            prompt = remote._prompt(query, hits, pictures=True)
            found = "".join(remote._client.stream(remote._messages(prompt)))
            assert found == "".join(local._write(prompt))
            assert [*remote.stream(query, hits)]


class TestStartedWrongly:
    """With the template of the checkpoint but a blank after every part, a mean over all tokens,
    and pictures enlarged as the published processors do."""

    def test_the_template_is_found_first(self, wrong: RemoteEncoder) -> None:
        with pytest.raises(ModelLoadError, match="other words around what it is asked"):
            wrong.encode_queries([Query("a")])

    def test_the_pooling(self, wrong: RemoteEncoder) -> None:
        with pytest.raises(ModelLoadError, match="not read the vector at the last token"):
            wrong._prompts._check_pooling()

    def test_the_size(self, wrong: RemoteEncoder) -> None:
        shown = wrong._prompts._read("How do I reset", " the device?")
        with pytest.raises(ModelLoadError, match="is 66 tokens there and should be 6"):
            wrong._prompts._check_size(shown)

    def test_the_marks_around_a_clip(self, wrong: RemoteEncoder) -> None:
        assert "leaves marks around each" in wrong._prompts.clip_problem()
