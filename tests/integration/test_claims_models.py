"""The claim check by a cross-encoder: in this process, and behind a server that speaks as vLLM
does. The weights are random: what is tested is what they are shown and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_contents import encoded
from PIL import Image
from vllm_server import RERANKER, VllmServer, answer

from kb.build import claim_thresholds
from kb.config import Config, Home
from kb.config.models import Qwen3VLRerankerConfig, RemoteRerankerConfig
from kb.errors import InferenceError
from kb.index.assets import AssetStore
from kb.models.factory import Models
from kb.protocols import ClaimScorer
from kb.types import Chunk, Kind, Locator, Modality
from ui.cli.claims_evaluation import run_claims_evaluation


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


@pytest.fixture(scope="module")
def server(tiny_qwen3_vl: Path) -> Iterator[VllmServer]:
    with VllmServer(tiny_qwen3_vl, max_model_len=1500) as running:
        yield running


def of_process(directory: Path) -> Config:
    section = Qwen3VLRerankerConfig(model=str(directory), device="cpu", max_length=1024)
    return Config(reranker=section)


def of_server(url: str) -> Config:
    return Config(reranker=RemoteRerankerConfig(url=url, model=RERANKER, n_retries=0))


def scorer(config: Config, home: Path, assets: AssetStore) -> ClaimScorer:
    models = Models(Home(home), config, assets)
    return models.claim_scorer(models.reranker())


def chunks(assets: AssetStore) -> list[Chunk]:
    page = assets.put(encoded(64, 96))
    return [
        Chunk("t", "t", 0, Kind.TEXT, Modality.TEXT, Locator(), "It weighs 5 kg.", title="Manual"),
        Chunk("p", "p", 0, Kind.PDF, Modality.IMAGE, Locator(page=1), image=page),
    ]


def test_a_server_is_asked_what_the_process_is_asked(
    tiny_qwen3_vl: Path, server: VllmServer, assets: AssetStore, tmp_path: Path
) -> None:
    near = scorer(of_process(tiny_qwen3_vl), tmp_path, assets)
    far = scorer(of_server(server.url), tmp_path, assets)
    claim = "The device weighs 5 kg."
    np.testing.assert_allclose(
        far.score(claim, chunks(assets)), near.score(claim, chunks(assets)), atol=1e-3
    )
    assert near.fingerprint.startswith("qwen3-vl@")
    assert far.fingerprint == f"{RERANKER}@{server.url.rstrip('/').removesuffix('/v1')}/v1:claims1"


def test_a_server_that_fails_is_an_error_and_no_score(
    server: VllmServer, assets: AssetStore, tmp_path: Path
) -> None:
    far = scorer(of_server(server.url), tmp_path, assets)
    server.faults.append(answer({"detail": "out of order"}, 500))
    try:
        with pytest.raises(InferenceError):
            far.score("It weighs 5 kg.", chunks(assets))
    finally:
        server.faults.clear()


def test_words_and_pictures_are_calibrated_and_written_for_the_model(
    tiny_qwen3_vl: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    Image.new("RGB", (64, 64), (200, 10, 10)).save(folder / "red.png")
    lines: list[dict[str, Any]] = [
        {"claim": f"Claim {i} {label}.", "evidence": f"Evidence {i}.", "supported": label}
        for i in range(10)
        for label in (True, False)
    ]
    lines[4] = {"claim": "It is red.", "image": "red.png", "supported": True}
    (folder / "claims.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    home = Home(tmp_path / "home")
    seen: list[dict[str, Any]] = []
    found = run_claims_evaluation(folder, home, of_process(tiny_qwen3_vl), seen.append)
    assert (found["n_supported"], found["n_unsupported"], found["n_unjudged"]) == (10, 10, 0)
    written = json.loads((home.path / "claims.json").read_text("utf-8"))
    assert list(written) == [found["scorer"]]
    assert written[found["scorer"]]["threshold"] == found["threshold"]
    assert claim_thresholds(home).find(found["scorer"]) == found["threshold"]
    assert [look["n_done"] for look in seen] == list(range(20))
    # Another checkpoint has no threshold, nor does `starter` lose the one it ships with.
    assert claim_thresholds(home).find(f"{found['scorer']}x") is None
    assert claim_thresholds(home).find("lexical-claims:1") is not None
