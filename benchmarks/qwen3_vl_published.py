"""The ways that ours is measured against.

`PublishedEmbedder` and `PublishedReranker` do what ``scripts/qwen3_vl_embedding.py`` and
``scripts/qwen3_vl_reranker.py`` beside the published checkpoints do, on transformers' own
forward pass with SDPA: batches padded in input order, and one pair a forward pass. Pictures
are decoded and resized as qwen_vl_utils does it, within the published budget. One thing is
added, without which transformers 5 raises TypeError: `mm_token_type_ids` of the reranker.

`SentenceTransformersEmbedder` and `SentenceTransformersReranker` run the same weights there.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image

from kb.pixels import PixelBudget
from kb.protocols import Float32Array
from kb.types import EncodedImage

__all__ = [
    "Item",
    "PublishedEmbedder",
    "PublishedReranker",
    "SentenceTransformersEmbedder",
    "SentenceTransformersReranker",
]

Item = str | EncodedImage

_DEFAULT = "Represent the user's input."
_INSTRUCT = "Given a search query, retrieve relevant candidates that answer the query."
_JUDGE = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct "
    'provided. Note that the answer can only be "yes" or "no".'
)
_MAX_LENGTH = 8192
# What the checkpoint is stored in is what they compute in.
_MODEL_KWARGS = {"attn_implementation": "sdpa", "dtype": "auto"}
_N_TAIL = 5


class PublishedEmbedder:
    """Batches in input order, padded on the right to the longest."""

    def __init__(self, checkpoint: Path, device: torch.device, batch_size: int) -> None:
        from transformers import Qwen3VLModel, Qwen3VLProcessor

        self._batch_size = batch_size
        self._model = _loaded(Qwen3VLModel, checkpoint, device)
        self._processor = Qwen3VLProcessor.from_pretrained(checkpoint, padding_side="right")

    @torch.no_grad()
    def __call__(self, items: Sequence[Item]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised."""
        vectors = []
        for start in range(0, len(items), self._batch_size):
            batch = [_shown(item) for item in items[start : start + self._batch_size]]
            text = self._processor.apply_chat_template(
                [
                    [
                        {"role": "system", "content": [{"type": "text", "text": _DEFAULT}]},
                        {"role": "user", "content": [part]},
                    ]
                    for part in batch
                ],
                add_generation_prompt=True,
                tokenize=False,
            )
            inputs = self._processor(
                text=text,
                images=_images(batch),
                truncation=True,
                max_length=_MAX_LENGTH,
                padding=True,
                do_resize=False,
                return_tensors="pt",
            ).to(self._model.device)
            hidden = self._model(**inputs).last_hidden_state
            mask = inputs["attention_mask"]
            last = mask.shape[1] - mask.flip(dims=[1]).argmax(dim=1) - 1
            pooled = hidden[torch.arange(len(hidden), device=hidden.device), last]
            vectors.append(F.normalize(pooled, p=2, dim=-1).float().cpu())
        found: Float32Array = torch.cat(vectors).numpy()
        return found


class PublishedReranker:
    """One pair a forward pass."""

    def __init__(self, checkpoint: Path, device: torch.device) -> None:
        from transformers import AutoProcessor, Qwen3VLForConditionalGeneration

        whole = _loaded(Qwen3VLForConditionalGeneration, checkpoint, device)
        self._model = whole.model
        self._processor = AutoProcessor.from_pretrained(checkpoint, padding_side="left")
        ids = self._processor.tokenizer.get_vocab()
        head = whole.lm_head.weight.detach()
        self._linear = (head[ids["yes"]] - head[ids["no"]])[None]

    @torch.no_grad()
    def __call__(self, query: Item, documents: Sequence[Item]) -> Float32Array:
        """float32 ``(n,)`` in [0, 1]."""
        scores: list[float] = []
        for document in documents:
            inputs = self._inputs([_shown(query)], [_shown(document)]).to(self._model.device)
            last = self._model(**inputs).last_hidden_state[:, -1]
            scores += torch.sigmoid(F.linear(last, self._linear)).squeeze(-1).cpu().tolist()
        return np.array(scores, np.float32)

    def _inputs(self, query: list[dict[str, Any]], document: list[dict[str, Any]]) -> Any:
        content = [
            {"type": "text", "text": f"<Instruct>: {_INSTRUCT}"},
            {"type": "text", "text": "<Query>:"},
            *query,
            {"type": "text", "text": "\n<Document>:"},
            *document,
        ]
        pair = [
            {"role": "system", "content": [{"type": "text", "text": _JUDGE}]},
            {"role": "user", "content": content},
        ]
        text = self._processor.apply_chat_template(
            [pair], tokenize=False, add_generation_prompt=True
        )
        inputs = self._processor(
            text=text,
            images=_images(content),
            truncation=False,
            padding=False,
            do_resize=False,
        )
        rows = [[*ids[:-_N_TAIL][:_MAX_LENGTH], *ids[-_N_TAIL:]] for ids in inputs["input_ids"]]
        padded = self._processor.tokenizer.pad(
            {"input_ids": rows}, padding=True, return_tensors="pt"
        )
        for key in padded:
            inputs[key] = padded[key]
        is_picture = padded["input_ids"] == self._processor.image_token_id
        inputs["mm_token_type_ids"] = is_picture.long()
        for key in ("pixel_values", "image_grid_thw"):
            if key in inputs:
                inputs[key] = torch.as_tensor(np.asarray(inputs[key]))
        return inputs


class SentenceTransformersEmbedder:
    """``SentenceTransformer.encode``: sorted by length, padded."""

    def __init__(self, directory: Path, device: torch.device, batch_size: int) -> None:
        from sentence_transformers import SentenceTransformer

        self._batch_size = batch_size
        self._model = SentenceTransformer(
            str(directory), device=str(device), model_kwargs=_MODEL_KWARGS
        )

    def __call__(self, items: Sequence[Item]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised."""
        return np.asarray(
            self._model.encode(
                [_opened(item) for item in items],
                prompt=_DEFAULT,
                batch_size=self._batch_size,
                show_progress_bar=False,
                convert_to_tensor=True,
            )
            .float()
            .cpu()
        )


class SentenceTransformersReranker:
    """``CrossEncoder.predict``: sorted by length, padded."""

    def __init__(self, directory: Path, device: torch.device, batch_size: int) -> None:
        from sentence_transformers import CrossEncoder

        self._batch_size = batch_size
        self._model = CrossEncoder(str(directory), device=str(device), model_kwargs=_MODEL_KWARGS)

    def __call__(self, query: Item, documents: Sequence[Item]) -> Float32Array:
        """float32 ``(n,)`` in [0, 1]."""
        asked = _opened(query)
        scores = self._model.predict(
            [(asked, _opened(document)) for document in documents],
            batch_size=self._batch_size,
            activation_fn=torch.nn.Sigmoid(),
            show_progress_bar=False,
        )
        return np.asarray(scores, np.float32).reshape(-1)


def _loaded(kind: Any, checkpoint: Path, device: torch.device) -> Any:
    return kind.from_pretrained(checkpoint, **_MODEL_KWARGS).eval().to(device)


def _shown(item: Item) -> dict[str, Any]:
    if isinstance(item, str):
        return {"type": "text", "text": item}
    grid = PixelBudget().picture(item.width_px, item.height_px)
    image = _opened(item)
    if image.size != grid.size_px:
        image = image.resize(grid.size_px)
    return {"type": "image", "image": image}


def _opened(item: Item) -> Any:
    if isinstance(item, str):
        return item
    return Image.open(BytesIO(item.data)).convert("RGB")


def _images(parts: Sequence[dict[str, Any]]) -> list[Any] | None:
    return [part["image"] for part in parts if part["type"] == "image"] or None
