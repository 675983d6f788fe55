"""The prompts the checkpoints were trained with, as text with one mark a picture.

Source: ``scripts/qwen3_vl_embedding.py`` and ``scripts/qwen3_vl_reranker.py`` beside the
published checkpoints Qwen3-VL-Embedding and Qwen3-VL-Reranker, and their chat template.
"""

from __future__ import annotations

import unicodedata

from kb.content import Content
from kb.text.special_tokens import neutral

__all__ = [
    "CLIP_MARK",
    "DOCUMENT_INSTRUCTION",
    "EMPTY",
    "JUDGE",
    "PICTURE_MARK",
    "PROMPT_VERSION",
    "TAIL",
    "chat_prompt",
    "embedding_prompt",
    "embedding_system",
    "rerank_prompt",
]

DOCUMENT_INSTRUCTION = "Represent the user's input."
PROMPT_VERSION = 1  # part of what vectors are told apart by: raise it when a prompt changes

# What stands after the content, and must stay whole: the vector is read at its last token.
TAIL = "<|im_end|>\n<|im_start|>assistant\n"

PICTURE_MARK = "<|vision_start|><|image_pad|><|vision_end|>"
CLIP_MARK = "<|vision_start|><|video_pad|><|vision_end|>"
JUDGE = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct "
    'provided. Note that the answer can only be "yes" or "no".'
)
EMPTY = "NULL"
_FRAMES_A_STEP = 2


def embedding_prompt(content: Content, instruction: str) -> str:
    """The prompt whose last token's hidden state is the vector, up to and with `TAIL`."""
    return chat_prompt(embedding_system(instruction), _shown(content))


def embedding_system(instruction: str) -> str:
    """The system turn: the instruction, closed with a full stop where no mark closes it."""
    instruction = instruction.strip()
    if instruction and not unicodedata.category(instruction[-1]).startswith("P"):
        instruction += "."
    return neutral(instruction)


def rerank_prompt(query: Content, document: Content, instruction: str) -> tuple[str, str]:
    """``(shared, rest)``: what all documents of one query have in common, and what follows."""
    shared = (
        f"<|im_start|>system\n{JUDGE}<|im_end|>\n<|im_start|>user\n"
        f"<Instruct>: {neutral(instruction)}<Query>:{_shown(query)}\n<Document>:"
    )
    return shared, f"{_shown(document)}{TAIL}"


def chat_prompt(system: str, user: str) -> str:
    """One turn of the chat template, up to where the model writes."""
    return f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}{TAIL}"


def _shown(content: Content) -> str:
    """Clips, then pictures, then words, in one mark a picture or pair of frames."""
    parts = [_clip(content), PICTURE_MARK * len(content.pictures), neutral(content.text)]
    return "".join(parts) or EMPTY


def _clip(content: Content) -> str:
    """Each pair of frames after its middle second, without the outer marks that newer
    releases of transformers leave around a clip: the checkpoints never saw those."""
    times_s = [frame.time_s for frame in content.clip]
    if len(times_s) % _FRAMES_A_STEP:
        times_s.append(times_s[-1])
    middles_s = [(a + b) / 2 for a, b in zip(times_s[::2], times_s[1::2], strict=True)]
    return "".join(f"<{middle_s:.1f} seconds>{CLIP_MARK}" for middle_s in middles_s)
