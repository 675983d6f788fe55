"""Checkpoints that are damaged, or not what they should be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from kb.config.models import Qwen3VLEncoderConfig, Qwen3VLRerankerConfig
from kb.device.loading import choose_device
from kb.device.placement import SharedDevice
from kb.errors import ModelLoadError
from kb.hub.directory import text_dim, weights_fingerprint
from kb.index.assets import AssetStore
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker

WEIGHT = "model.language_model.layers.1.mlp.up_proj.weight"


@pytest.fixture
def copy(tmp_path: Path, tiny_qwen3_vl: Path) -> Path:
    return Path(shutil.copytree(tiny_qwen3_vl, tmp_path / "model"))


def change_weights(directory: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    path = directory / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def delete(directory: Path) -> None:
    def change(weights: dict[str, torch.Tensor]) -> None:
        del weights[WEIGHT]

    change_weights(directory, change)


def shorten(directory: Path) -> None:
    def change(weights: dict[str, torch.Tensor]) -> None:
        weights[WEIGHT] = weights[WEIGHT][:5].clone()

    change_weights(directory, change)


def truncate(directory: Path) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100_000])


def write(name: str, text: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        (directory / name).write_text(text, "utf-8")

    return change


def remove(name: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        (directory / name).unlink()

    return change


def wrong_type(directory: Path) -> None:
    path = directory / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config["text_config"]["num_hidden_layers"] = "four"
    path.write_text(json.dumps(config), "utf-8")


DAMAGE = {
    "no directory": (shutil.rmtree, r"config\.json can't be read.*kb models pull"),
    "no config": (remove("config.json"), r"config\.json can't be read.*kb models pull"),
    "config cut short": (write("config.json", '{"model_type"'), r"config\.json can't be read"),
    "config no object": (write("config.json", "[]"), r"config\.json can't be read.*no object"),
    "config without text": (
        write("config.json", '{"model_type": "qwen3_vl"}'),
        r"gives no text_config\.hidden_size.*kb models pull",
    ),
    "config of wrong type": (wrong_type, r"can't be loaded.*num_hidden_layers.*kb models check"),
    "another family": (
        write("config.json", '{"model_type": "bert", "hidden_size": 64}'),
        r"family 'bert'.*needs 'qwen3_vl'.*kb models list",
    ),
    "no tokenizer": (remove("tokenizer.json"), r"tokenizer\.json can't be read.*kb models pull"),
    "no weights": (remove("model.safetensors"), r"can't be loaded.*kb models check"),
    "weights cut short": (truncate, r"can't be loaded.*kb models check"),
    "weights of words": (write("model.safetensors", "<html>" * 99), r"can't be.*kb models check"),
    "a weight missing": (delete, r"lacks 1 weights.*up_proj.*kb models pull"),
    "a weight too short": (shorten, r"can't be loaded.*kb models check"),
    "no normalisation": (
        remove("video_preprocessor_config.json"),
        r"video_preprocessor_config\.json can't be read.*kb models pull",
    ),
    "normalisation without means": (
        write("preprocessor_config.json", "{}"),
        r"preprocessor_config\.json gives no image_mean.*kb models pull",
    ),
}


def load(kind: str, directory: Path) -> None:
    assets, device = AssetStore(directory), SharedDevice.alone()
    if kind == "encoder":
        encoder = Qwen3VLEncoderConfig(model="m", device="cpu")
        Qwen3VLEncoder(encoder, directory, assets, device).warm()
    else:
        reranker = Qwen3VLRerankerConfig(model="m", device="cpu")
        Qwen3VLReranker(reranker, directory, assets, device).warm()


@pytest.mark.parametrize("kind", ["encoder", "reranker"])
@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_with_what_to_do(name: str, kind: str, copy: Path) -> None:
    damage, words = DAMAGE[name]
    damage(copy)
    with pytest.raises(ModelLoadError, match=rf"(?s){words}") as caught:
        load(kind, copy)
    assert str(copy) in str(caught.value)


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelLoadError, match=r"torch finds none.*starter.*device: cpu"):
        choose_device("cuda")


def test_the_length_of_states(tiny_qwen3_vl: Path) -> None:
    assert text_dim(tiny_qwen3_vl) == 64


class TestFingerprint:
    def test_a_copy_has_the_same(self, tiny_qwen3_vl: Path, copy: Path) -> None:
        assert weights_fingerprint(copy) == weights_fingerprint(tiny_qwen3_vl)

    @pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
    def test_other_weights_have_another(self, place: float, copy: Path) -> None:
        before = weights_fingerprint(copy)
        path = copy / "model.safetensors"
        data = bytearray(path.read_bytes())
        data[min(int(place * len(data)), len(data) - 1)] ^= 1
        path.write_bytes(data)
        assert weights_fingerprint(copy) != before

    def test_another_configuration_has_another(self, copy: Path) -> None:
        before = weights_fingerprint(copy)
        path = copy / "config.json"
        path.write_text(path.read_text("utf-8") + " ", "utf-8")
        assert weights_fingerprint(copy) != before
