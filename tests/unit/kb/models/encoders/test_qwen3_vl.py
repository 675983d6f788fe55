"""Qwen3VLEncoder beyond its contract: dimension, instruction, fingerprint, what fails alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_contents import BROKEN, encoded, frames
from tiny_qwen3_vl import make_checkpoint

from kb.config.models import Qwen3VLEncoderConfig
from kb.device.placement import SharedDevice
from kb.errors import InferenceError, ModelLoadError, PromptTooLongError
from kb.index.assets import AssetStore
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.types import (
    Chunk,
    EncodedImage,
    FrameRef,
    ImageRef,
    Kind,
    Locator,
    Modality,
    Query,
)

Make = Callable[..., Qwen3VLEncoder]


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


@pytest.fixture
def make(tiny_qwen3_vl: Path, assets: AssetStore) -> Make:
    def made(directory: Path = tiny_qwen3_vl, **settings: object) -> Qwen3VLEncoder:
        config = Qwen3VLEncoderConfig.model_validate({"model": "tiny", "device": "cpu", **settings})
        return Qwen3VLEncoder(config, directory, assets, SharedDevice.alone())

    return made


def chunk(text: str = "", image: ImageRef | None = None) -> Chunk:
    modality = Modality.IMAGE if image else Modality.TEXT
    return Chunk("0", "0", 0, Kind.IMAGE, modality, Locator(), text, image=image)


class TestDim:
    def test_a_shorter_vector_is_the_leading_part_normalised(self, tmp_path: Path) -> None:
        # The least dim of the configuration is the tiny checkpoint's whole.
        wide = make_checkpoint(tmp_path / "wide", hidden_size=128)
        config = Qwen3VLEncoderConfig(model="wide", device="cpu")
        assets, queries = AssetStore(tmp_path), [Query("reset"), Query(images=(encoded(),))]
        whole = Qwen3VLEncoder(config, wide, assets, SharedDevice.alone())
        cut_config = config.model_copy(update={"dim": 64})
        short = Qwen3VLEncoder(cut_config, wide, assets, SharedDevice.alone())
        assert (whole.dim, short.dim) == (128, 64)
        vectors, cut = whole.encode_queries(queries), short.encode_queries(queries)
        assert cut.shape == (2, 64)
        np.testing.assert_allclose(np.linalg.norm(cut, axis=1), 1, atol=1e-6)
        leading = vectors[:, :64]
        leading = leading / np.linalg.norm(leading, axis=1, keepdims=True)
        np.testing.assert_allclose(cut, leading, atol=1e-6)
        assert whole.fingerprint != short.fingerprint
        assert whole.fingerprint.removesuffix("128") == short.fingerprint.removesuffix("64")

    def test_longer_than_the_model_is_refused(self, make: Make) -> None:
        with pytest.raises(ModelLoadError, match=r"encoder\.dim is 65.*have 64.*64 or less"):
            make(dim=65)

    def test_the_whole_may_be_asked_for(self, make: Make) -> None:
        assert make(dim=64).fingerprint == make().fingerprint


class TestFingerprint:
    def test_it_does_not_depend_on_the_directory(
        self, make: Make, tmp_path: Path, tiny_qwen3_vl: Path
    ) -> None:
        elsewhere = Path(shutil.copytree(tiny_qwen3_vl, tmp_path / "snapshots" / "89c6a1"))
        assert make(elsewhere).fingerprint == make().fingerprint

    def test_other_weights_have_another(
        self, make: Make, tmp_path: Path, tiny_qwen3_vl: Path
    ) -> None:
        same = Path(shutil.copytree(tiny_qwen3_vl, tmp_path / "a" / tiny_qwen3_vl.name))
        other = make_checkpoint(tmp_path / "b" / tiny_qwen3_vl.name, seed=1)
        assert make(same).fingerprint == make().fingerprint
        assert make(other).fingerprint != make().fingerprint

    def test_it_does_not_load_the_model(self, tiny_qwen3_vl: Path, tmp_path: Path) -> None:
        device = SharedDevice.alone()
        config = Qwen3VLEncoderConfig(model="tiny", device="cpu")
        encoder = Qwen3VLEncoder(config, tiny_qwen3_vl, AssetStore(tmp_path), device)
        assert encoder.fingerprint
        assert encoder.dim == 64
        assert device.cache.loaded() == []
        encoder.warm()
        assert len(device.cache.loaded()) == 1


class TestInstruction:
    def test_a_query_has_its_own_or_the_profiles(self, make: Make) -> None:
        encoder = make(instruction="Find the page.")
        named, plain, other = encoder.encode_queries(
            [
                Query("reset", instruction="Find the page."),
                Query("reset"),
                Query("reset", instruction="Find a picture."),
            ]
        )
        np.testing.assert_allclose(named, plain, atol=1e-6)
        assert float(plain @ other) < 0.999

    def test_a_chunk_has_the_documents(self, make: Make) -> None:
        encoder = make(instruction="Find the page.")
        document = encoder.encode_chunks([chunk("reset")])[0]
        asked = encoder.encode_queries([Query("reset", instruction="Represent the user's input.")])
        np.testing.assert_allclose(document, asked[0], atol=1e-6)


class TestFailures:
    def test_a_missing_picture_is_named_by_its_chunk(self, make: Make, assets: AssetStore) -> None:
        there = assets.put(encoded())
        gone = assets.put(encoded(seed=1))
        assets.path(gone).unlink()
        encoder = make()
        chunks = [chunk("words"), chunk(image=gone), chunk("both", there), chunk("x", gone)]
        with pytest.raises(InferenceError, match=r"2 of 4 inputs.*kb doctor --repair") as caught:
            encoder.encode_chunks(chunks)
        assert sorted(caught.value.items) == [1, 3]
        assert all("could not be decoded" in reason for reason in caught.value.items.values())
        rest = [one for i, one in enumerate(chunks) if i not in caught.value.items]
        assert encoder.encode_chunks(rest).shape == (2, 64)

    def test_all_kinds_of_failure_at_once(self, make: Make, assets: AssetStore) -> None:
        broken = assets.put(BROKEN)
        extreme = ImageRef("0" * 64, "image/png", 9000, 20)
        large = assets.put(encoded(1000, 1000))
        chunks = [chunk(image=large), chunk("x"), chunk(image=extreme), chunk(image=broken)]
        with pytest.raises(InferenceError) as caught:
            make(max_length=256).encode_chunks(chunks)
        items = caught.value.items
        assert sorted(items) == [0, 2, 3]
        assert "max_length" in items[0]
        assert "9000 x 20 px" in items[2]
        assert "could not be decoded" in items[3]
        assert items[0] in str(caught.value)

    def test_a_broken_frame_of_a_clip(self, make: Make, assets: AssetStore) -> None:
        refs = [FrameRef(0.0, assets.put(encoded())), FrameRef(1.0, assets.put(BROKEN))]
        clip = Chunk(
            "0", "0", 0, Kind.VIDEO, Modality.VIDEO, Locator(), "words", frames=tuple(refs)
        )
        with pytest.raises(InferenceError) as caught:
            make().encode_chunks([clip, chunk("x")])
        assert sorted(caught.value.items) == [0]

    def test_a_broken_picture_of_a_query(self, make: Make) -> None:
        with pytest.raises(InferenceError) as caught:
            make().encode_queries([Query("x"), Query(images=(BROKEN,))])
        assert sorted(caught.value.items) == [1]

    def test_a_question_too_long_for_the_model(self, make: Make) -> None:
        with pytest.raises(PromptTooLongError, match="max_length"):
            make(max_length=256).encode_queries([Query(images=(encoded(1000, 1000),))])

    def test_a_long_text_is_cut(self, make: Make) -> None:
        encoder = make(max_length=256)
        long = encoder.encode_chunks([chunk("Hold the power button. " * n) for n in (500, 900)])
        np.testing.assert_allclose(long[0], long[1], atol=1e-5)


class TestModalities:
    def test_a_chunk_and_a_query_of_the_same_are_the_same(
        self, make: Make, assets: AssetStore
    ) -> None:
        encoder = make(instruction="Represent the user's input.")
        image = encoded(90, 70)
        refs = tuple(FrameRef(one.time_s, assets.put(one.image)) for one in frames(3))
        chunks = [
            chunk("words"),
            chunk("words", assets.put(image)),
            Chunk("0", "0", 0, Kind.VIDEO, Modality.VIDEO, Locator(), "words", frames=refs),
        ]
        queries = [
            Query("words"),
            Query("words", images=(image,)),
            Query("words", clip=frames(3)),
        ]
        vectors = encoder.encode_chunks(chunks)
        np.testing.assert_allclose(vectors, encoder.encode_queries(queries), atol=1e-5)
        assert (vectors @ vectors.T)[np.triu_indices(3, 1)].max() < 0.999

    def test_what_is_accepted(self, make: Make, assets: AssetStore) -> None:
        encoder = make()
        image = EncodedImage(b"", "image/png", 1, 1)
        assert encoder.accepts(Query(images=(image,)))
        assert encoder.accepts(Query(clip=frames(1)))
        assert encoder.accepts(chunk(image=assets.put(encoded())))
        assert not encoder.accepts(Query())
        assert not encoder.accepts(chunk())
