"""How a checkpoint wants its pixels scaled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kb.errors import ModelLoadError
from kb.hub.directory import read_json

__all__ = ["Normalisation", "read_normalisation"]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Mean and standard deviation by channel, of values in [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def read_normalisation(directory: Path) -> tuple[Normalisation, Normalisation]:
    """Of pictures and of clips, from the checkpoint's files.

    Raises:
        ModelLoadError: A file is missing or damaged.
    """
    found = []
    for name in ("preprocessor_config.json", "video_preprocessor_config.json"):
        config = read_json(directory / name)
        try:
            found.append(Normalisation(tuple(config["image_mean"]), tuple(config["image_std"])))
        except (KeyError, TypeError) as error:
            raise ModelLoadError(
                f"{directory / name} gives no image_mean and image_std. Pull the model again: "
                "`kb models pull`.",
                model_id=str(directory),
            ) from error
    return found[0], found[1]
