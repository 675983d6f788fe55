"""The models that `kb models` knows: Qwen3-VL, and what hears speech.

Sizes of Qwen3-VL come from the published configurations (2 bytes a parameter, bfloat16). For the 2B
models the sum is the published file to the byte: 4,255,064,064 of weights and a header of
76,248 are the 4,255,140,312 bytes that the hub gives. Qwen3-VL-Embedding-8B ships without
its language head, which is why it is 1.2 GB smaller than the other 8B models.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "KNOWN_MODELS",
    "GgufModel",
    "KnownModel",
    "PinnedFile",
    "PinnedModel",
    "Role",
    "SpeechModel",
    "find_known_model",
]

_ORGANISATION = "Qwen"


class Role(StrEnum):
    """What a model does here."""

    ENCODER = "encoder"
    RERANKER = "reranker"
    GENERATOR = "generator"
    SPEECH = "speech"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A published model.

    Attributes:
        name: What people call it, and its directory under ``HOME/models``.
        role: What it does here.
        n_parameters: As stored in its files.
        dim: Length of the language model's states; for an encoder, of its vectors.
        revision: The commit on Hugging Face that is pulled.
        organisation: Whose it is.
    """

    name: str
    role: Role
    n_parameters: int
    dim: int
    revision: str
    organisation: str = _ORGANISATION

    @property
    def repository(self) -> str:
        """Owner and name, the same on Hugging Face and on ModelScope."""
        return f"{self.organisation}/{self.name}"

    @property
    def weights_bytes(self) -> int:
        """On disk and, in bfloat16, in memory."""
        return 2 * self.n_parameters


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file that is pulled, as it was published.

    Attributes:
        sha256: Hex digest: the hub must list this one.
    """

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PinnedModel(KnownModel):
    """A published model each file of which is known to the byte.

    Attributes:
        files: What is pulled of its repository, which holds other files as well.
    """

    files: tuple[PinnedFile, ...] = ()

    @property
    def weights_bytes(self) -> int:
        """On disk and, once they are read, in memory."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class GgufModel(PinnedModel):
    """A published model in GGUF, for llama.cpp.

    Attributes:
        token_bytes: Of keys and values in 16 bits for a token that is read or written.
    """

    token_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SpeechModel(PinnedModel):
    """A published Whisper model in the format of CTranslate2, for faster-whisper."""


_N_2B = 2_127_532_032
_N_4B = 4_437_815_808
_N_8B = 8_767_123_696
_N_8B_WITHOUT_HEAD = _N_8B - 151_936 * 4096

KNOWN_MODELS = (
    KnownModel(
        "Qwen3-VL-Embedding-2B",
        Role.ENCODER,
        _N_2B,
        dim=2048,
        revision="9f2f7e710d6d81056aa5c0a4f04764fec6bb7bda",
    ),
    KnownModel(
        "Qwen3-VL-Embedding-8B",
        Role.ENCODER,
        _N_8B_WITHOUT_HEAD,
        dim=4096,
        revision="2c4565515e0f265c6511776e7193b22c0968ddc7",
    ),
    KnownModel(
        "Qwen3-VL-Reranker-2B",
        Role.RERANKER,
        _N_2B,
        dim=2048,
        revision="4bd860ac4f15ad1897a214615cccc700f8f71818",
    ),
    KnownModel(
        "Qwen3-VL-Reranker-8B",
        Role.RERANKER,
        _N_8B,
        dim=4096,
        revision="b212dc8c91a8164aef1ea2de9c1a867611e75c04",
    ),
    KnownModel(
        "Qwen3-VL-2B-Instruct",
        Role.GENERATOR,
        _N_2B,
        dim=2048,
        revision="89644892e4d85e24eaac8bacfd4f463576704203",
    ),
    KnownModel(
        "Qwen3-VL-4B-Instruct",
        Role.GENERATOR,
        _N_4B,
        dim=2560,
        revision="ebb281ec70b05090aa6165b016eac8ec08e71b17",
    ),
    KnownModel(
        "Qwen3-VL-8B-Instruct",
        Role.GENERATOR,
        _N_8B,
        dim=4096,
        revision="0c351dd01ed87e9c1b53cbc748cba10e6187ff3b",
    ),
    # Sizes and digests as others who pin this revision have them; a pull compares them with what
    # the hub lists, and every byte with the digest.
    GgufModel(
        "Qwen3-VL-2B-Instruct-GGUF",
        Role.GENERATOR,
        _N_2B,
        dim=2048,
        revision="52d6c8ffea26cc873ac5ad116f8631268d7eb503",
        token_bytes=2 * 28 * 8 * (128 + 128),  # layers, heads of keys and values, their lengths
        files=(
            PinnedFile(
                "Qwen3VL-2B-Instruct-Q4_K_M.gguf",
                1_107_409_952,
                "089d75c52f4b7ffc56ba998ffc50aae89fcafc755f9e7208aacca281dca6c2ae",
            ),
            PinnedFile(
                "mmproj-Qwen3VL-2B-Instruct-Q8_0.gguf",
                445_053_216,
                "f9a68fabba69c3b81e153367b2c7521030b0fa8bb0de400c9599c8e6725f9c82",
            ),
        ),
    ),
    # OpenAI's Whisper base (MIT, some ninety languages), converted by Systran.
    SpeechModel(
        "faster-whisper-base",
        Role.SPEECH,
        72_593_920,
        dim=512,
        revision="ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        organisation="Systran",
        files=(
            PinnedFile(
                "config.json",
                2_309,
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            PinnedFile(
                "model.bin",
                145_217_532,
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            ),
            PinnedFile(
                "tokenizer.json",
                2_203_239,
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ),
            PinnedFile(
                "vocabulary.txt",
                459_861,
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ),
        ),
    ),
)


def find_known_model(name: str) -> KnownModel | None:
    """The model called `name`, with or without its owner, in any case."""
    asked = name.casefold()
    return next(
        (
            model
            for model in KNOWN_MODELS
            if asked in (model.name.casefold(), model.repository.casefold())
        ),
        None,
    )
