"""What is timed side by side must compute the same; `compare` asserts it before it times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.qwen3_vl import _differences, compare
from benchmarks.qwen3_vl_figures import text_flops, vision_flops
from benchmarks.qwen3_vl_made import SIZES, TextMaker, make_sized_checkpoint

CPU = torch.device("cpu")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made") / "model"
    return make_sized_checkpoint(directory, SIZES["tiny"][0], CPU, "float32")


@pytest.mark.parametrize("part", ["texts", "pages", "text-pairs", "page-pairs"])
def test_all_ways_agree(part: str, checkpoint: Path, tmp_path: Path) -> None:
    found = compare(tmp_path, checkpoint, "tiny", CPU, "float32", [part], 1)
    assert found["left_out"] == []
    row = found["parts"][part]
    assert set(row["seconds"]) == {"ours", "published", "sentence-transformers"}
    assert set(row["ratios"]) == set(row["differences"]) == {"published", "sentence-transformers"}
    assert max(row["differences"].values()) < 1e-5


def test_a_way_that_computes_something_else_is_found() -> None:
    vectors = np.eye(2, dtype=np.float32)
    with pytest.raises(AssertionError, match="published computes something else"):
        _differences({"ours": vectors, "published": vectors[::-1]}, "float32", are_scores=False)
    scores = np.array([0.2, 0.3], np.float32)
    with pytest.raises(AssertionError, match="published computes something else"):
        _differences({"ours": scores, "published": scores + 0.01}, "float32", are_scores=True)


@pytest.mark.parametrize("n_tokens", [1, 20, 333])
def test_texts_have_the_length_that_was_asked_for(n_tokens: int, checkpoint: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    text = TextMaker(checkpoint).text(n_tokens)
    assert len(tokenizer.encode(text, add_special_tokens=False).ids) == n_tokens


def test_flops_of_the_published_sizes() -> None:
    """Twice the parameters a token, about: 1.41 billion of the 2B model are in its layers, and
    0.3 billion, four patches a token, in its vision tower."""
    size = SIZES["2b"][0]
    assert 0.9 < text_flops(size, 512) / (2 * 512 * 1.41e9) < 1.05
    per_token = vision_flops(size, 1) / 4
    assert 0.9 < per_token / (2 * 0.32e9) < 1.1
