"""Configuration of the models of a profile: one section a stage, its `kind` says which."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

__all__ = [
    "TOGETHER",
    "EncoderConfig",
    "ExtractiveConfig",
    "GeneratorConfig",
    "LexicalConfig",
    "LlamaGeneratorConfig",
    "Qwen3VLConfig",
    "Qwen3VLEncoderConfig",
    "Qwen3VLGeneratorConfig",
    "Qwen3VLRerankerConfig",
    "RemoteConfig",
    "RemoteEncoderConfig",
    "RemoteGeneratorConfig",
    "RemoteRerankerConfig",
    "RerankerConfig",
    "Section",
    "TextEncoderConfig",
]

TOGETHER = " + "
"""Stands between the names of two text models that work side by side."""

_VERSION = re.compile(r"/v\d+$")
_MIN_READ_TOKENS = 512  # the rules of the prompt, a question, and the beginning of a source


class Section(BaseModel):
    """A part of the configuration: immutable, and an unknown key is an error."""

    # Errors would repeat keys and passwords that stand in the wrong place.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TextEncoderConfig(Section):
    """A text encoder on the processor.

    Attributes:
        model: ``all-MiniLM-L6-v2``, ``multilingual-e5-small``, or the directory of any
            sentence-transformers model. Of two, as ``A + B``, each text has both vectors: A
            reads English, and B other languages too; where B is not on this machine, A works
            alone.
        fallback: The model that stands in where `model` is not on this machine; None: nothing
            does, and its lack is an error.
        batch_tokens: Tokens of a batch, padding included.
        threads: CPU threads; 0 lets torch choose.
    """

    kind: Literal["text"] = "text"
    model: str = "all-MiniLM-L6-v2"
    fallback: str | None = None
    batch_tokens: int = Field(default=2048, ge=512)
    threads: int = Field(default=0, ge=0)

    @field_validator("model")
    @classmethod
    def _is_one_or_two(cls, model: str) -> str:
        names = model.split(TOGETHER)
        if len(names) > 2 or not all(names):
            raise ValueError(f"must name one model, or two as all-MiniLM-L6-v2{TOGETHER}OTHER")
        return model


class Qwen3VLConfig(Section):
    """A Qwen3-VL checkpoint in this process.

    Attributes:
        model: A name of ``kb models list``, or a directory.
        device: ``auto`` takes the first GPU, else the processor.
        precision: ``auto`` computes in bfloat16 where the device multiplies it, else in float32.
        max_length: Tokens of one input; a longer document's text is cut, a longer question refused.
        batch_tokens: Tokens of one forward pass.
    """

    kind: Literal["qwen3-vl"] = "qwen3-vl"
    model: str
    device: Literal["auto", "cuda", "cpu"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    max_length: int = Field(default=8192, ge=256, le=262_144)
    batch_tokens: int = Field(default=16_384, ge=256)


class Qwen3VLEncoderConfig(Qwen3VLConfig):
    """Qwen3-VL-Embedding.

    Attributes:
        dim: Length of a vector; the leading part of the full one (Matryoshka representation
            learning, Kusupati et al., 2022). None keeps it whole.
        instruction: The task that goes before a question.
    """

    dim: int | None = Field(default=None, ge=64)
    instruction: str = "Retrieve images or text relevant to the user's query."


class Qwen3VLRerankerConfig(Qwen3VLConfig):
    """Qwen3-VL-Reranker.

    Attributes:
        instruction: The task by which a document is judged.
    """

    max_length: int = Field(default=10_240, ge=256, le=262_144)
    instruction: str = "Given a search query, retrieve relevant candidates that answer the query."


class Qwen3VLGeneratorConfig(Qwen3VLConfig):
    """Qwen3-VL-Instruct.

    Attributes:
        max_length: Tokens of question, sources and answer together.
        max_new_tokens: Of the answer; what is longer is cut there.
    """

    max_length: int = Field(default=16_384, ge=1024, le=262_144)
    max_new_tokens: int = Field(default=1024, ge=16, le=16_384, validate_default=True)

    @field_validator("max_new_tokens")
    @classmethod
    def _leaves_room(cls, n_tokens: int, info: ValidationInfo) -> int:
        return _with_room(n_tokens, info)


class RemoteConfig(Section):
    """A model behind an OpenAI-compatible server.

    Attributes:
        url: The server's address, with or without ``/v1``.
        model: As the server calls it.
        api_key: Sent as a bearer token; ``$NAME`` is read from the environment.
        timeout_s: Of one request.
        n_retries: After a refusal that may pass (429, 5xx, a lost connection).
        n_parallel: Requests at once.
    """

    kind: Literal["remote"] = "remote"
    url: str
    model: str = Field(min_length=1)
    api_key: str | None = Field(default=None, repr=False)
    timeout_s: float = Field(default=60.0, gt=0)
    n_retries: int = Field(default=3, ge=0, le=10)
    n_parallel: int = Field(default=8, ge=1, le=64)

    @field_validator("url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        is_sound = parts.hostname and parts.port != 0 and not re.search(r"\s", url)
        if parts.scheme not in ("http", "https") or not is_sound:
            raise ValueError("must be an address like http://127.0.0.1:8001/v1")
        # An address is shown in messages and logs; a key in it would be shown too.
        if parts.username is not None:
            raise ValueError("must not hold a name or password; set api_key instead")
        return url

    @property
    def base_url(self) -> str:
        """`url` with its version, without a slash at the end."""
        url = self.url.rstrip("/")
        return url if _VERSION.search(url) else f"{url}/v1"

    @property
    def root_url(self) -> str:
        """`url` without its version."""
        return _VERSION.sub("", self.url.rstrip("/"))


class RemoteEncoderConfig(RemoteConfig):
    """Qwen3-VL-Embedding behind vLLM.

    Attributes:
        dim: Length of a vector; longer ones from the server are cut and normalised again.
        instruction: The task that goes before a question.
    """

    dim: int = Field(ge=64)
    instruction: str = "Retrieve images or text relevant to the user's query."


class RemoteRerankerConfig(RemoteConfig):
    """Qwen3-VL-Reranker behind vLLM.

    Attributes:
        instruction: The task by which a document is judged.
    """

    instruction: str = "Given a search query, retrieve relevant candidates that answer the query."


class RemoteGeneratorConfig(RemoteConfig):
    """Any chat model behind an OpenAI-compatible server.

    Attributes:
        timeout_s: Of the wait for the answer's next piece. One that hangs is not asked again.
        max_length: Tokens of question, sources and answer together.
        max_new_tokens: Of the answer; what is longer is cut there.
        answer_limit_s: For the whole answer. What is not ended by then is stopped.
        pictures: Whether the model sees pictures. One that refuses them is asked without.
        prompt: ``long`` shows all that the model reads; ``short`` the few nearest passages, in
            about a thousand tokens, as fits a small model or a slow machine.
    """

    max_length: int = Field(default=16_384, ge=1024)
    max_new_tokens: int = Field(default=1024, ge=16, validate_default=True)
    answer_limit_s: float = Field(default=600.0, gt=0)
    pictures: bool = True
    prompt: Literal["long", "short"] = "long"

    @field_validator("max_new_tokens")
    @classmethod
    def _leaves_room(cls, n_tokens: int, info: ValidationInfo) -> int:
        return _with_room(n_tokens, info)


class LlamaGeneratorConfig(Section):
    """A model in GGUF through llama.cpp, on the processor.

    Attributes:
        model: A name of ``kb models list``, or a file ``*.gguf``, or the folder that holds it and
            its vision part (``mmproj*.gguf``).
        max_length: Tokens of question, sources and answer together.
        max_new_tokens: Of the answer; what is longer is cut there.
        threads: CPU threads; 0 takes one less than there are cores.
        answer_limit_s: For the whole answer. What is not ended by then is stopped.
        idle_s: After which the model leaves memory.
    """

    kind: Literal["llama"] = "llama"
    model: str = "Qwen3-VL-2B-Instruct-GGUF"
    max_length: int = Field(default=4096, ge=1024, le=262_144)
    max_new_tokens: int = Field(default=512, ge=16, le=16_384, validate_default=True)
    threads: int = Field(default=0, ge=0, le=256)
    answer_limit_s: float = Field(default=300.0, gt=0)
    idle_s: float = Field(default=600.0, ge=1, le=86_400)

    @field_validator("max_new_tokens")
    @classmethod
    def _leaves_room(cls, n_tokens: int, info: ValidationInfo) -> int:
        return _with_room(n_tokens, info)


def _with_room(max_new_tokens: int, info: ValidationInfo) -> int:
    """`max_new_tokens` where it leaves room for question and sources, which count as read."""
    max_length = info.data.get("max_length")
    if max_length is not None and max_length - max_new_tokens < _MIN_READ_TOKENS:
        raise ValueError(
            f"{max_new_tokens:,} tokens of answer leave {max(0, max_length - max_new_tokens):,} of "
            f"max_length ({max_length:,}) for question and sources, which take "
            f"{_MIN_READ_TOKENS} at least; lower max_new_tokens or raise max_length"
        )
    return max_new_tokens


class LexicalConfig(Section):
    """The reranker of `starter`: coverage, proximity, headings."""

    kind: Literal["lexical"] = "lexical"


class ExtractiveConfig(Section):
    """The generator of `starter`: quotes, each cited.

    Attributes:
        max_quotes: Sentences an answer quotes at most.
    """

    kind: Literal["extractive"] = "extractive"
    max_quotes: int = Field(default=3, ge=1, le=10)


EncoderConfig = Annotated[
    TextEncoderConfig | Qwen3VLEncoderConfig | RemoteEncoderConfig, Field(discriminator="kind")
]
RerankerConfig = Annotated[
    LexicalConfig | Qwen3VLRerankerConfig | RemoteRerankerConfig, Field(discriminator="kind")
]
GeneratorConfig = Annotated[
    ExtractiveConfig | Qwen3VLGeneratorConfig | LlamaGeneratorConfig | RemoteGeneratorConfig,
    Field(discriminator="kind"),
]
