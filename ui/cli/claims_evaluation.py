"""`kb eval --claims`: find the threshold of the claim check, and write it down."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ingest.decode.pictures import encode_picture, load_picture
from kb import AssetStore
from kb.answer.claims.calibration import ClaimPair, calibrate, load_claims
from kb.build import claim_thresholds
from kb.config import Config, Home
from kb.models.factory import Models
from kb.types import Chunk, Kind, Locator, Modality

__all__ = ["run_claims_evaluation"]


def run_claims_evaluation(
    folder: Path, home: Home, config: Config, heard: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """What `kb eval --claims --json` prints. The profile's reranker judges each pair; the index
    is not opened.

    Raises:
        ConfigError: The set is not whole, or the threshold can't be written.
        IngestError: A picture of the set can't be read.
        ModelError: The reranker can't be loaded, or failed.
    """
    start = time.perf_counter()
    pairs = load_claims(folder / "claims.jsonl")
    thresholds = claim_thresholds(home)
    with tempfile.TemporaryDirectory(prefix="kb-eval-") as temporary:
        assets = AssetStore(Path(temporary))
        models = Models(home, config, assets)
        scorer = models.claim_scorer(models.reranker())
        scores = np.empty(len(pairs), np.float32)
        for i, pair in enumerate(pairs):
            heard(_progress(i, len(pairs), pair, time.perf_counter() - start))
            chunk = _chunk(pair, assets, config.ingest.max_image_px)
            scores[i] = scorer.score(pair.claim, [chunk])[0]
        fingerprint = scorer.fingerprint
    calibration = calibrate(pairs, scores, folder.resolve().name)
    thresholds.write(fingerprint, calibration)
    return {
        "set": calibration.claims_set,
        "scorer": fingerprint,
        "n_supported": calibration.n_supported,
        "n_unsupported": calibration.n_unsupported,
        "n_unjudged": int(np.isnan(scores).sum()),
        "threshold": calibration.threshold,
        "precision": calibration.precision,
        "recall": calibration.recall,
        "written_to": str(thresholds.path),
        "total_time_ms": round((time.perf_counter() - start) * 1000, 1),
    }


def _chunk(pair: ClaimPair, assets: AssetStore, max_px: int) -> Chunk:
    image = None
    if pair.image is not None:
        image = assets.put(encode_picture(load_picture(pair.image, max_px)))
    return Chunk(
        id="evidence",
        document_sha256="",
        ordinal=0,
        kind=Kind.TEXT if image is None else Kind.IMAGE,
        modality=Modality.TEXT if image is None else Modality.IMAGE,
        locator=Locator(),
        text=pair.evidence,
        image=image,
    )


def _progress(n_done: int, n_total: int, pair: ClaimPair, elapsed_s: float) -> dict[str, Any]:
    rate_per_s = n_done / elapsed_s if elapsed_s > 0 else 0.0
    return {
        "stage": "read",
        "n_done": n_done,
        "n_total": n_total,
        "rate_per_s": rate_per_s,
        "eta_s": (n_total - n_done) / rate_per_s if rate_per_s else None,
        "current": pair.claim,
    }
