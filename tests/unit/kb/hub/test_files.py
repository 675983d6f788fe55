"""Where a model's files are, and what is said when they are not whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from made_models import SHARDS, model_files, safetensors_bytes, write_model

from kb.errors import ModelLoadError
from kb.hub.catalog import find_known_model
from kb.hub.files import check_model_directory, find_model_directory
from kb.hub.listing import Hub, Listing, RemoteFile
from kb.hub.record import read_record, write_record

NAME = "Qwen3-VL-Embedding-2B"
PARITY = Path(__file__).parents[4] / ".." / "shared" / "parity" / "checkpoint"


@pytest.fixture(autouse=True)
def _empty_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return write_model(tmp_path / "models" / NAME)


def refusal(directory: Path) -> str:
    with pytest.raises(ModelLoadError) as error:
        check_model_directory(directory)
    return str(error.value)


def test_a_whole_model_is_found_by_name_and_by_path(directory: Path) -> None:
    assert find_model_directory(f"Qwen/{NAME}", directory.parent) == directory
    assert find_model_directory(str(directory), Path("nowhere")) == directory


def test_a_model_in_the_hub_cache_is_found(tmp_path: Path) -> None:
    commit = "c" * 40
    cached = tmp_path / "hub" / f"models--Qwen--{NAME}"
    write_model(cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    found = find_model_directory(NAME, tmp_path / "models")
    assert found == cached / "snapshots" / commit


def test_a_missing_model_names_the_command_and_the_size(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=rf"kb models pull {NAME}` \(4.3 GB\)") as error:
        find_model_directory(NAME, tmp_path)
    assert error.value.model_id == NAME
    with pytest.raises(ModelLoadError, match="neither a known name nor a directory"):
        find_model_directory("nosuch", tmp_path)
    assert "no such directory" in refusal(tmp_path / "nosuch")


@pytest.mark.parametrize(("n_bytes", "found"), [(4, "header"), (60, "header"), (900, "900 of")])
def test_a_shard_that_ends_early_is_half_downloaded(
    directory: Path, n_bytes: int, found: str
) -> None:
    shard = directory / SHARDS[1]
    shard.write_bytes(shard.read_bytes()[:n_bytes])
    message = refusal(directory)
    assert found in message
    assert SHARDS[1] in message
    assert f"kb models pull {NAME}" in message


def test_a_shard_of_other_content_is_refused(directory: Path) -> None:
    shard = directory / SHARDS[0]
    whole = shard.read_bytes()
    shard.write_bytes(whole + b"x")
    assert "is damaged" in refusal(directory)
    shard.write_bytes(b"<html>" + whole)
    assert "no safetensors file" in refusal(directory)
    shard.write_bytes(safetensors_bytes(other=3))
    assert "lacks the tensor a" in refusal(directory)
    shard.unlink()
    assert "1 of 2 weight files are missing" in refusal(directory)


@pytest.mark.parametrize("name", ["tokenizer.json", "preprocessor_config.json"])
def test_a_missing_file_beside_the_weights_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    assert f"missing: {name}" in refusal(directory)


def test_another_family_is_refused_by_name(directory: Path) -> None:
    (directory / "config.json").write_text('{"model_type": "qwen2_vl"}')
    message = refusal(directory)
    assert "'qwen2_vl'; expected 'qwen3_vl'" in message
    assert "kb models" in message
    (directory / "config.json").write_text("{")
    assert "config.json can't be read" in refusal(directory)
    (directory / "config.json").write_text("[]")
    assert "holds no JSON object" in refusal(directory)


@pytest.mark.parametrize("text", ["", '"text_config": {}', '"text_config": {"hidden_size": "64"}'])
def test_a_configuration_without_its_text_part_is_named(directory: Path, text: str) -> None:
    comma = ", " if text else ""
    (directory / "config.json").write_text(f'{{"model_type": "qwen3_vl"{comma}{text}}}')
    message = refusal(directory)
    assert "config.json gives no text_config.hidden_size" in message
    assert f"kb models pull {NAME}" in message


@pytest.mark.parametrize("left", [("config.json",), ("config.json", SHARDS[0]), (SHARDS[0],)])
def test_a_hub_cache_that_is_half_downloaded_names_the_model_to_pull(
    tmp_path: Path, left: tuple[str, ...]
) -> None:
    cached = tmp_path / "hub" / f"models--Qwen--{NAME}"
    write_model(cached / "snapshots" / ("c" * 40), {name: model_files()[name] for name in left})
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("c" * 40)
    with pytest.raises(ModelLoadError) as error:
        find_model_directory(NAME, tmp_path / "models")
    assert f"`kb models pull {NAME}` gets it whole" in str(error.value)
    assert "is missing" in str(error.value) or "are missing" in str(error.value)
    assert "Copy the model again" not in str(error.value)


def test_a_whole_commit_in_the_hub_cache_is_taken_before_a_half_one(tmp_path: Path) -> None:
    known = find_known_model(NAME)
    assert known
    cached = tmp_path / "hub" / f"models--Qwen--{NAME}"
    (cached / "snapshots" / known.revision).mkdir(parents=True)
    whole = write_model(cached / "snapshots" / ("c" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("c" * 40)
    assert find_model_directory(NAME, tmp_path / "models") == whole


def test_a_directory_that_was_named_is_pulled_to_the_same_place(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "big disk" / NAME)
    (directory / "tokenizer.json").unlink()
    assert f"`kb models pull {NAME} --to '{tmp_path / 'big disk'}'`" in refusal(directory)
    directory = write_model(tmp_path / "mine")
    (directory / "tokenizer.json").unlink()
    assert "Copy the model again" in refusal(directory)


def test_pickled_weights_are_not_taken(directory: Path) -> None:
    for path in directory.glob("model*"):
        path.unlink()
    assert "the weights are missing" in refusal(directory)
    (directory / "pytorch_model.bin").write_bytes(b"\x80\x02")
    message = refusal(directory)
    assert "pickled weights only" in message
    assert "can run code" in message


def test_a_pull_that_has_only_begun_is_told(directory: Path) -> None:
    (directory / "config.json").rename(directory / "config.json.0123456789ab.part")
    assert "a download that is not finished" in refusal(directory)


def test_sizes_are_compared_with_the_record(directory: Path) -> None:
    files = tuple(
        RemoteFile(name, len(content), "c" * 40) for name, content in model_files().items()
    )
    listing = Listing(Hub.HUGGINGFACE, f"Qwen/{NAME}", "c" * 40, files)
    write_record(directory, listing)
    check_model_directory(directory)
    assert read_record(directory) == listing
    (directory / "chat_template.jinja").write_text("")
    assert "chat_template.jinja has 0 bytes, and the pull noted 14" in refusal(directory)
    (directory / "chat_template.jinja").unlink()
    assert "chat_template.jinja is missing" in refusal(directory)


@pytest.mark.skipif(not PARITY.is_dir(), reason="../shared/parity/checkpoint is not here")
def test_a_real_checkpoint_is_whole_and_cut_it_is_not(tmp_path: Path) -> None:
    check_model_directory(PARITY)
    copy = tmp_path / "copy"
    shutil.copytree(PARITY, copy)
    copy.chmod(0o755)
    weights = copy / "model.safetensors"
    weights.chmod(0o644)
    with weights.open("r+b") as file:
        file.truncate(weights.stat().st_size - 1)
    assert "model.safetensors is half-downloaded: 3,583,047 of 3,583,048" in refusal(copy)
