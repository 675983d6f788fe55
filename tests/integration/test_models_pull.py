"""Pulling models from a server on the loopback that speaks as the hubs do."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from made_models import SHARDS, HubServer, config_bytes, model_files, write_model

from kb.config import Home
from kb.config.loading import load_config
from kb.config.models import LlamaGeneratorConfig, Qwen3VLEncoderConfig
from kb.errors import ModelLoadError
from kb.hub import pull as download
from kb.hub.catalog import GgufModel, PinnedFile, find_known_model
from kb.hub.check import verify_model
from kb.hub.files import check_model_directory
from kb.hub.hubs import list_repository, open_client
from kb.hub.listing import Hub
from kb.hub.pull import PullPlan, plan_pull, pull, require_room
from kb.hub.record import note_damaged, read_record

NAME = "Qwen3-VL-Embedding-2B"
MODEL = next(found for found in [find_known_model(NAME)] if found)
NEWER = "d" * 40


@dataclass
class Progress:
    """What a pull has told."""

    n_bytes: int = 0
    told: list[str] = field(default_factory=list)

    def __call__(self, doing: str, n_bytes: int) -> None:
        self.n_bytes += n_bytes
        self.told.append(doing)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    newer = {**model_files(), "config.json": config_bytes(newer=1)}
    with HubServer({MODEL.revision: model_files(), NEWER: newer}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
        monkeypatch.setattr(download, "_WAITS_S", (0.0, 0.0))
        yield server


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "models" / NAME


def refusal(directory: Path, hub: Hub | None = None) -> str:
    with pytest.raises(ModelLoadError) as error:
        pull(plan_pull(MODEL, directory, hub), Progress())
    return str(error.value)


def test_the_server_speaks_as_the_real_client_expects(hub: HubServer, tmp_path: Path) -> None:
    from huggingface_hub import HfApi, hf_hub_download

    info = HfApi(endpoint=hub.url).model_info(
        MODEL.repository, revision=MODEL.revision, files_metadata=True
    )
    with open_client(Hub.HUGGINGFACE) as client:
        ours = list_repository(client, Hub.HUGGINGFACE, MODEL.repository, MODEL.revision)
    assert info.sha == ours.revision
    theirs = {
        sibling.rfilename: (
            sibling.size,
            sibling.lfs.sha256 if sibling.lfs else None,
            None if sibling.lfs else sibling.blob_id,
        )
        for sibling in info.siblings or ()
    }
    assert theirs == {
        file.path: (file.size_bytes, file.sha256, file.git_sha1) for file in ours.files
    }
    loaded = hf_hub_download(
        MODEL.repository, SHARDS[0], revision=MODEL.revision, endpoint=hub.url, local_dir=tmp_path
    )
    assert Path(loaded).read_bytes() == model_files()[SHARDS[0]]


def test_what_the_hubs_client_does_not_do(hub: HubServer, tmp_path: Path) -> None:
    """Why the transfer is ours: see docs/decisions/0006. Should this fail, look at it anew."""
    from huggingface_hub import hf_hub_download
    from tqdm import tqdm

    class Ended(tqdm):  # type: ignore[type-arg]
        """Progress of a download in which Ctrl+C is pressed."""

        def update(self, n: float | None = 1) -> bool | None:
            if n:
                raise KeyboardInterrupt
            return super().update(n)

    def load(progress: type[tqdm]) -> Path:  # type: ignore[type-arg]
        return Path(
            hf_hub_download(
                MODEL.repository,
                SHARDS[0],
                revision=MODEL.revision,
                endpoint=hub.url,
                local_dir=tmp_path,
                tqdm_class=progress,
            )
        )

    # What has been loaded is not gone on with.
    with pytest.raises(KeyboardInterrupt):
        load(Ended)
    assert len(hub.ranges(SHARDS[0])) == 1
    assert not [path for path in tmp_path.rglob("*.incomplete") if path.stat().st_size]
    # What has the right size is taken for what was asked for.
    hub.spoiled.add(SHARDS[0])
    found = load(tqdm).read_bytes()
    assert hub.ranges(SHARDS[0]) == [None, None]
    assert len(found) == len(model_files()[SHARDS[0]])
    assert found != model_files()[SHARDS[0]]


@pytest.mark.parametrize("source", list(Hub))
def test_a_pull_loads_checks_and_notes_every_file(
    hub: HubServer, directory: Path, source: Hub
) -> None:
    progress = Progress()
    plan = plan_pull(MODEL, directory, source)
    assert (
        plan.n_bytes
        == plan.n_bytes_left
        == sum(
            map(
                len,
                hub.commits[MODEL.revision if source is Hub.HUGGINGFACE else NEWER].values(),
            )
        )
    )
    pull(plan, progress)
    check_model_directory(directory)
    assert progress.n_bytes == plan.n_bytes
    commit = MODEL.revision if source is Hub.HUGGINGFACE else NEWER
    record = read_record(directory)
    assert record is not None
    assert (record.hub, record.repository, record.revision) == (source, MODEL.repository, commit)
    for file in record.files:
        content = (directory / file.path).read_bytes()
        assert content == hub.commits[commit][file.path]
        assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert not list(directory.glob("*.part"))


def test_the_token_goes_to_the_hub_and_not_where_it_points(hub: HubServer, directory: Path) -> None:
    pull(plan_pull(MODEL, directory), Progress())
    for path, headers in hub.seen:
        sent = headers.get("authorization")
        assert sent == (None if path.startswith("/cdn/") else "Bearer hf_secret"), path


@pytest.mark.parametrize("source", list(Hub))
def test_a_broken_connection_goes_on_where_it_broke(
    hub: HubServer, directory: Path, source: Hub
) -> None:
    hub.broken[SHARDS[0]] = 123_456
    progress = Progress()
    plan = plan_pull(MODEL, directory, source)
    pull(plan, progress)
    assert hub.ranges(SHARDS[0]) == [None, "bytes=123456-"]
    assert progress.n_bytes == plan.n_bytes
    check_model_directory(directory)


def test_a_pull_that_was_ended_goes_on_in_the_next(hub: HubServer, directory: Path) -> None:
    hub.broken[SHARDS[1]] = 150_000

    def end(doing: str, n_bytes: int) -> None:
        if "waiting" in doing:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(plan_pull(MODEL, directory), end)
    with pytest.raises(ModelLoadError, match=f"kb models pull {NAME}"):
        check_model_directory(directory)
    # The hub's main has moved on meanwhile; the pinned files are loaded all the same.
    hub.seen.clear()
    plan = plan_pull(MODEL, directory)
    assert [file.path for file in plan.left] == [SHARDS[1]]
    assert plan.n_bytes_left == len(model_files()[SHARDS[1]]) - 150_000
    assert not hub.seen
    progress = Progress()
    pull(plan, progress)
    assert progress.n_bytes == plan.n_bytes_left
    assert hub.ranges(SHARDS[1]) == ["bytes=150000-"]
    check_model_directory(directory)


def test_a_server_that_knows_no_ranges_starts_again(hub: HubServer, directory: Path) -> None:
    hub.honours_range = False
    hub.broken[SHARDS[0]] = 100_000
    progress = Progress()
    plan = plan_pull(MODEL, directory)
    pull(plan, progress)
    assert hub.ranges(SHARDS[0]) == [None, "bytes=100000-"]
    assert progress.n_bytes == plan.n_bytes
    check_model_directory(directory)


def test_a_whole_model_needs_no_hub(hub: HubServer, directory: Path) -> None:
    pull(plan_pull(MODEL, directory), Progress())
    hub.seen.clear()
    plan = plan_pull(MODEL, directory)
    assert not plan.left
    pull(plan, Progress())
    assert not hub.seen


def test_files_that_were_copied_there_are_checked_and_kept(hub: HubServer, directory: Path) -> None:
    spoiled = model_files()[SHARDS[1]][:-1] + b"\xff"
    write_model(directory, {**model_files(), SHARDS[1]: spoiled})
    plan = plan_pull(MODEL, directory)
    assert [file.path for file in plan.left] == [SHARDS[1]]
    pull(plan, Progress())
    assert (directory / SHARDS[1]).read_bytes() == model_files()[SHARDS[1]]
    assert hub.ranges(SHARDS[0]) == []


def test_an_update_takes_the_newest_and_loads_what_changed(hub: HubServer, directory: Path) -> None:
    pull(plan_pull(MODEL, directory), Progress())
    plan = plan_pull(MODEL, directory, update=True)
    assert plan.listing.revision == NEWER
    assert [file.path for file in plan.left] == ["config.json"]
    pull(plan, Progress())
    assert b"newer" in (directory / "config.json").read_bytes()
    # From here on that one is pinned.
    assert plan_pull(MODEL, directory).listing.revision == NEWER


@pytest.mark.parametrize("name", [SHARDS[0], "tokenizer.json"])
def test_a_wrong_digest_deletes_and_names_the_file(
    hub: HubServer, directory: Path, name: str
) -> None:
    hub.spoiled.add(name)
    message = refusal(directory)
    assert f"{name} from {hub.url}" in message
    assert "expected" in message
    assert "pull again" in message
    assert not (directory / name).exists()
    assert not list(directory.glob(f"{name}*.part"))
    hub.spoiled.clear()
    pull(plan_pull(MODEL, directory), Progress())
    check_model_directory(directory)


@pytest.mark.parametrize("source", list(Hub))
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, "HF_TOKEN"),
        (403, "HTTP 403"),
        (404, "--update"),
        (429, "Pull again later"),
        (503, "HTTP 503"),
    ],
)
def test_what_a_hub_refuses_is_said_with_the_next_step(
    hub: HubServer, directory: Path, source: Hub, status: int, expected: str
) -> None:
    hub.status = status
    message = refusal(directory, source)
    assert expected in message
    assert hub.url in message
    other = "modelscope" if source is Hub.HUGGINGFACE else "huggingface"
    assert f"--from {other}" in message
    assert not directory.exists()


def test_a_revision_that_is_gone_is_said(hub: HubServer, directory: Path) -> None:
    hub.commits = {NEWER: model_files()}
    assert "--update" in refusal(directory)
    hub.commits = {NEWER: {"README.md": b"empty"}}
    assert "has no files" in refusal(directory, Hub.MODELSCOPE)


def test_a_hub_that_fails_in_the_middle_is_asked_again_and_then_given_up(
    hub: HubServer, directory: Path
) -> None:
    plan = plan_pull(MODEL, directory)
    hub.status = 503
    with pytest.raises(ModelLoadError, match="goes on where it stopped"):
        pull(plan, Progress())
    assert len([path for path, _ in hub.seen if "/resolve/" in path]) == 3


def test_no_network_is_said_with_the_next_step(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    message = refusal(directory)
    assert "http://127.0.0.1:9" in message
    assert "can't be reached" in message
    assert "copy the model's directory" in message


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
@pytest.mark.parametrize("source", list(Hub))
def test_offline_asks_nobody(
    hub: HubServer,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    source: Hub,
) -> None:
    monkeypatch.setenv(variable, "1")
    assert "forbids the network" in refusal(directory, source)
    assert not hub.seen
    monkeypatch.setenv(variable, "0")
    pull(plan_pull(MODEL, directory, source), Progress())
    monkeypatch.setenv(variable, "1")
    pull(plan_pull(MODEL, directory, source), Progress())


def test_paths_that_lead_out_are_not_loaded(hub: HubServer, directory: Path) -> None:
    outside = {"../evil.json": b"{}", "/evil.json": b"{}", "evil.py": b"", "a\\b.json": b"{}"}
    hub.commits[MODEL.revision] = {**model_files(), **outside, "1_Pooling/config.json": b"{}"}
    pull(plan_pull(MODEL, directory), Progress())
    assert (directory / "1_Pooling" / "config.json").is_file()
    assert {file.path for file in plan_pull(MODEL, directory).listing.files} == {
        *model_files(),
        "1_Pooling/config.json",
    }
    assert not list(directory.parent.rglob("evil*"))


def test_a_disk_that_is_too_small_is_refused_with_what_is_missing(
    hub: HubServer, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_pull(MODEL, directory)
    usage = shutil.disk_usage(directory.anchor)._replace(free=900_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ModelLoadError, match="900 MB free") as error:
        require_room([plan])
    assert "Free 100 MB" in str(error.value)
    done = PullPlan(plan.model, plan.directory, plan.listing, (), 0)
    require_room([done])


def test_two_pulls_at_once_are_refused(hub: HubServer, directory: Path) -> None:
    plan = plan_pull(MODEL, directory)
    refused: list[str] = []

    def again(doing: str, n_bytes: int) -> None:
        if not refused:
            with pytest.raises(ModelLoadError) as error:
                pull(plan, Progress())
            refused.append(str(error.value))

    pull(plan, again)
    assert "Another pull" in refused[0]
    check_model_directory(directory)


def kb(*arguments: str, home: Path, code: int = 0, **settings: str) -> tuple[str, str]:
    result = subprocess.run(
        [sys.executable, "-m", "ui.cli", "models", *arguments, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HF_HOME": str(home / "hf"), "COLUMNS": "80", **settings},
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == code, result.stderr or result.stdout
    assert "Traceback" not in result.stderr
    return result.stdout, result.stderr


def test_the_command_tells_pulls_lists_and_checks(hub: HubServer, tmp_path: Path) -> None:
    before: Any = json.loads(kb("list", "--json", home=tmp_path)[0])
    # What hears speech may be installed as packages.
    others = [row for row in before["available"] if row["role"] != "speech"]
    assert {row["state"] for row in others} == {"not here"}
    out, err = kb("pull", NAME, "--json", home=tmp_path)
    pulled = json.loads(out)["models"][0]
    assert pulled["revision"] == MODEL.revision
    assert pulled["loaded_bytes"] == pulled["size_bytes"] == sum(map(len, model_files().values()))
    for told in (NAME, "from Hugging Face", "To load: ", "Free on the disk", "GPU"):
        assert told in err
    out, err = kb("pull", NAME, home=tmp_path)
    assert err == ""
    assert str(tmp_path / "models" / NAME) in out
    after: Any = json.loads(kb("--json", home=tmp_path)[0])
    others = [row for row in after["available"] if row["role"] != "speech"]
    states = {row["name"]: row["state"] for row in others}
    assert states.pop(NAME) == "here"
    assert set(states.values()) == {"not here"}
    out, _ = kb("check", home=tmp_path)
    assert NAME in out
    shard = tmp_path / "models" / NAME / SHARDS[0]
    shard.write_bytes(shard.read_bytes()[:1000])
    out, _ = kb("check", home=tmp_path, code=1)
    assert f"{SHARDS[0]} is half-downloaded" in out
    assert "incomplete" in out
    out, _ = kb("list", home=tmp_path)
    assert "incomplete" in out


def test_the_models_of_the_profile_are_pulled_where_none_is_named(
    hub: HubServer, tmp_path: Path
) -> None:
    (tmp_path / "kb.yaml").write_text(
        "encoder: {kind: qwen3-vl, model: Qwen3-VL-Embedding-2B}\n"
        "reranker: {kind: qwen3-vl, model: Qwen/Qwen3-VL-Reranker-2B}\n"
    )
    out, _ = kb(home=tmp_path, code=1)
    assert f"kb models pull {NAME}" in out
    out, _ = kb("pull", "--yes", "--from", "modelscope", "--json", home=tmp_path)
    rows = json.loads(out)["models"]
    assert [row["name"] for row in rows] == [NAME, "Qwen3-VL-Reranker-2B"]
    assert {row["hub"] for row in rows} == {"modelscope"}
    kb(home=tmp_path)


def test_a_model_can_be_put_elsewhere(hub: HubServer, tmp_path: Path) -> None:
    out, _ = kb("pull", NAME, "--to", str(tmp_path / "big disk"), home=tmp_path)
    _, _, yaml = out.partition("write into kb.yaml:\n")
    (tmp_path / "kb.yaml").write_text(yaml, "utf-8")
    # Under starter, whose encoder is of another kind.
    config = load_config(Home(tmp_path))
    assert config.profile == "starter"
    assert isinstance(config.encoder, Qwen3VLEncoderConfig)
    assert config.encoder.model == str(tmp_path / "big disk" / NAME)
    out, _ = kb("list", home=tmp_path)
    assert "big disk" in out
    check_model_directory(tmp_path / "big disk" / NAME)
    out, _ = kb("check", str(tmp_path / "big disk" / NAME), "--json", home=tmp_path)
    assert json.loads(out)["models"][0]["ok"] is True


def test_check_finds_a_flipped_bit_and_pull_gets_that_file_again(
    hub: HubServer, tmp_path: Path
) -> None:
    kb("pull", NAME, home=tmp_path)
    shard = tmp_path / "models" / NAME / SHARDS[0]
    shard.write_bytes(shard.read_bytes()[:-1] + b"\xff")
    # Known by their sizes, the files are not read again.
    out, err = kb("pull", NAME, "--json", home=tmp_path)
    assert json.loads(out)["models"][0]["loaded_bytes"] == 0
    out, err = kb("check", NAME, "--json", home=tmp_path, code=1)
    row = json.loads(out)["models"][0]
    assert row["ok"] is False
    assert row["damaged"] == [SHARDS[0]]
    assert f"`kb models pull {NAME}`" in row["note"]
    assert f"checking {SHARDS[1]}" in err
    out, _ = kb("check", home=tmp_path, code=1)
    assert [line for line in out.splitlines() if line.startswith("damaged ") and NAME in line]
    listed = json.loads(kb("list", "--json", home=tmp_path)[0])["available"]
    assert {row["state"] for row in listed if row["name"] == NAME} == {"incomplete"}
    hub.seen.clear()
    out, _ = kb("pull", NAME, "--json", home=tmp_path)
    assert json.loads(out)["models"][0]["loaded_bytes"] == len(model_files()[SHARDS[0]])
    assert hub.ranges(SHARDS[0]) == [None]
    assert hub.ranges(SHARDS[1]) == []
    assert shard.read_bytes() == model_files()[SHARDS[0]]
    kb("check", NAME, home=tmp_path)


def test_a_file_that_was_put_right_by_hand_is_not_loaded_again(
    hub: HubServer, directory: Path
) -> None:
    pull(plan_pull(MODEL, directory), Progress())
    note_damaged(directory, [SHARDS[0]])
    plan = plan_pull(MODEL, directory)
    assert not plan.left
    pull(plan, Progress())
    check_model_directory(directory)


def test_what_can_only_be_looked_at_says_so(hub: HubServer, tmp_path: Path) -> None:
    copied = write_model(tmp_path / "copied")
    out, _ = kb("check", str(copied), "--json", home=tmp_path)
    assert "sizes and headers only" in json.loads(out)["models"][0]["note"]
    (copied / "tokenizer.json").write_text("{}")
    out, _ = kb("check", str(copied), "--json", home=tmp_path, code=1)
    assert "tokenizer.json can't be opened" in json.loads(out)["models"][0]["note"]


def test_a_half_downloaded_hub_cache_is_incomplete_and_can_be_pulled(
    hub: HubServer, tmp_path: Path
) -> None:
    cached = tmp_path / "hf" / "hub" / f"models--Qwen--{NAME}" / "snapshots" / MODEL.revision
    write_model(cached, {"config.json": config_bytes()})
    listed = json.loads(kb("list", "--json", home=tmp_path)[0])["available"]
    (row,) = [row for row in listed if row["name"] == NAME]
    assert row["state"] == "incomplete"
    assert f"`kb models pull {NAME}`" in row["note"]
    kb("pull", NAME, home=tmp_path)
    kb("check", NAME, home=tmp_path)


@pytest.mark.parametrize(
    ("profile", "why"), [("remote", "are behind a server"), ("starter", "come with the")]
)
def test_a_profile_without_models_to_pull_is_named(
    hub: HubServer, tmp_path: Path, profile: str, why: str
) -> None:
    _, err = kb("pull", profile, home=tmp_path, code=2)
    told = " ".join(err.replace("│", " ").split())
    assert f"The profile '{profile}' uses no model that is pulled: its models {why}" in told
    _, err = kb("pull", "--profile", profile, home=tmp_path, code=2)
    assert f"The profile '{profile}'" in " ".join(err.replace("│", " ").split())


def test_failures_end_with_1_and_wrong_usage_with_2(hub: HubServer, tmp_path: Path) -> None:
    _, err = kb("pull", NAME, home=tmp_path, code=1, HF_HUB_OFFLINE="1")
    assert err.startswith("kb: ")
    assert "copy the model's directory" in err
    _, err = kb("pull", "nosuch", home=tmp_path, code=2)
    assert "Qwen3-VL-8B-Instruct" in err
    kb("pull", home=tmp_path, code=2)
    kb("pull", NAME, "--from", "elsewhere", home=tmp_path, code=2)
    kb("--json", "check", home=tmp_path, code=2)
    kb("check", "nosuch", home=tmp_path, code=1)


class TestGguf:
    """A model for llama.cpp: two files of a repository that holds many."""

    GGUF = next(found for found in [find_known_model("Qwen3-VL-2B-Instruct-GGUF")] if found)

    @pytest.fixture
    def files(self) -> dict[str, bytes]:
        assert isinstance(self.GGUF, GgufModel)
        made = {
            file.path: b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + bytes(n + 1000)
            for n, file in enumerate(self.GGUF.files)
        }
        return {**made, "Qwen3VL-2B-Instruct-F16.gguf": b"GGUF larger", "README.md": b"text"}

    @pytest.fixture
    def pinned(self, files: dict[str, bytes]) -> GgufModel:
        """The model of the catalog, with digests of what the server has."""
        assert isinstance(self.GGUF, GgufModel)
        own = [
            PinnedFile(
                file.path, len(files[file.path]), hashlib.sha256(files[file.path]).hexdigest()
            )
            for file in self.GGUF.files
        ]
        return replace(self.GGUF, files=tuple(own))

    @pytest.fixture
    def shelf(self, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        with HubServer({self.GGUF.revision: files}) as server:
            monkeypatch.setenv("HF_ENDPOINT", server.url)
            monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.url)
            monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
            monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
            monkeypatch.setattr(download, "_WAITS_S", (0.0, 0.0))
            yield server.url

    @pytest.mark.parametrize("source", list(Hub))
    @pytest.mark.usefixtures("shelf")
    def test_its_own_files_come_and_no_others(
        self, pinned: GgufModel, files: dict[str, bytes], tmp_path: Path, source: Hub
    ) -> None:
        directory = tmp_path / pinned.name
        pull(plan_pull(pinned, directory, source), Progress())
        assert {path.name for path in directory.glob("*.gguf")} == {f.path for f in pinned.files}
        assert all((directory / f.path).read_bytes() == files[f.path] for f in pinned.files)
        check_model_directory(directory, pinned)
        verify_model(directory, Progress(), pinned)
        (directory / pinned.files[0].path).unlink()
        with pytest.raises(ModelLoadError, match=r"Q4_K_M\.gguf is missing"):
            check_model_directory(directory, pinned)

    @pytest.mark.parametrize("source", list(Hub))
    @pytest.mark.usefixtures("shelf")
    def test_other_content_than_is_pinned_is_not_taken(self, tmp_path: Path, source: Hub) -> None:
        with pytest.raises(ModelLoadError, match=r"should have sha256 089d75c52f4b.*--update"):
            plan_pull(self.GGUF, tmp_path / "m", source)
        assert plan_pull(self.GGUF, tmp_path / "m", source, update=True).left

    @pytest.mark.usefixtures("shelf")
    def test_a_damaged_one_is_found(self, pinned: GgufModel, tmp_path: Path) -> None:
        pull(plan_pull(pinned, tmp_path / "m"), Progress())
        path = tmp_path / "m" / pinned.files[0].path
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        with pytest.raises(ModelLoadError, match="not what the pull noted"):
            verify_model(tmp_path / "m", Progress(), pinned)

    def test_the_profile_names_it(self, tmp_path: Path) -> None:
        config = load_config(Home(tmp_path), "laptop")
        assert isinstance(config.generator, LlamaGeneratorConfig)
        assert find_known_model(config.generator.model) is self.GGUF
        starter = load_config(Home(tmp_path), "starter")
        others = config.model_dump(exclude={"generator", "profile"})
        assert others == starter.model_dump(exclude={"generator", "profile"})
