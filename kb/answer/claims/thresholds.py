"""The scores under which a claim is weak, by the scorer that they were calibrated for."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kb.errors import ConfigError
from kb.files import write_whole

__all__ = ["Calibration", "Thresholds"]


class Calibration(BaseModel):
    """What `kb eval --claims` found for one scorer.

    Attributes:
        threshold: A claim with a lower score is marked; None marks nothing.
        precision: Of the marks, the share on claims that are not supported, measured on pairs
            that had no part in choosing the threshold. None where nothing was marked.
        recall: Of the unsupported claims, the share that is marked; measured likewise.
        n_supported: Pairs of the set, likewise `n_unsupported`.
        claims_set: The set's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float | None
    precision: float | None = Field(ge=0, le=1)
    recall: float = Field(ge=0, le=1)
    n_supported: int = Field(ge=0)
    n_unsupported: int = Field(ge=0)
    claims_set: str


_ENTRIES = TypeAdapter(dict[str, Calibration])


class Thresholds:
    """Calibrations by fingerprint, in a JSON file.

    Args:
        path: Where they are written; it may be missing.
        shipped: A file of the package that is looked at after it.
    """

    def __init__(self, path: Path, shipped: Traversable) -> None:
        self.path = path
        self._shipped = shipped

    def find(self, fingerprint: str) -> float | None:
        """The threshold for a scorer; None where it has never been calibrated.

        Raises:
            ConfigError: A file is damaged.
        """
        for file in (self.path, self._shipped):
            if (found := _read(file).get(fingerprint)) is not None:
                return found.threshold
        return None

    def write(self, fingerprint: str, calibration: Calibration) -> None:
        """Put a calibration in the file, in place of an earlier one of the same scorer.

        Raises:
            ConfigError: The file is damaged, or can't be written.
        """
        entries = _read(self.path) | {fingerprint: calibration}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, _ENTRIES.dump_json(entries, indent=2) + b"\n")
        except OSError as error:
            raise ConfigError(
                f"The threshold can't be written to {self.path} ({error}). Make room or give the "
                "folder to yourself, then run `kb eval --claims` again."
            ) from error


def _read(path: Traversable) -> dict[str, Calibration]:
    try:
        return _ENTRIES.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{_cannot_read(path)} ({error}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        found = f"{where}: {first['msg']}" if where else first["msg"]
        raise ConfigError(
            f"{_cannot_read(path)}: {found}. Expected is what `kb eval --claims SET` writes; "
            "delete the file and run that again."
        ) from error


def _cannot_read(path: Traversable) -> str:
    return f"The thresholds of the claim check in {path} can't be read"
