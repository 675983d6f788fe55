"""`kb models`: what the profile computes with, what can be pulled, and whether it is whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from kb.config import Config, Home, SoundConfig
from kb.config.loading import available_profiles, load_config
from kb.device.placement import find_gpu
from kb.device.precision import weights_bytes
from kb.errors import ConfigError, ModelLoadError
from kb.files import size_bytes
from kb.hub.catalog import KNOWN_MODELS, KnownModel, Role, SpeechModel, find_known_model
from kb.hub.check import noted_bytes
from kb.hub.files import check_model_directory, is_gguf_directory, locate_model
from kb.hub.record import read_damaged, read_record
from kb.hub.speech import find_speech_model
from kb.masking import masked
from kb.models.encoders.weights import E5, MINILM, choose_models
from kb.models.remote.servers import FoundServer
from kb.models.speech import require_faster_whisper

__all__ = [
    "Examine",
    "available_table",
    "check_table",
    "gpu_memory",
    "model_table",
    "models_of_profile",
    "named_models",
    "server_table",
    "why_nothing_to_pull",
]

Json = dict[str, Any]
Examine = Callable[[Path, KnownModel | None], None]
"""Raises ModelLoadError where the model in a directory is not whole."""


def model_table(home: Home, config: Config, examine: Examine = check_model_directory) -> list[Json]:
    """One row a model of the profile: ``role, name, ok, size_bytes, note``; of Qwen3-VL also
    ``directory`` and ``damaged``, the files that `kb models check` has found damage in."""
    rows = []
    for role in (Role.ENCODER, Role.RERANKER, Role.GENERATOR):
        section = getattr(config, role.value)
        if section.kind == "text":
            rows += _text_encoders(section.model, section.fallback)
        elif section.kind in ("qwen3-vl", "llama"):
            rows.append(_qwen3_vl(section.model, home.models, role.value, examine))
        elif section.kind == "remote":
            rows.append(
                {
                    "role": role.value,
                    "name": section.model,
                    "ok": True,
                    "size_bytes": 0,
                    "note": f"behind {masked(section.url)}; not asked now",
                }
            )
    return [*rows, _ocr(config), _speech(config.ingest.sound, home)]


def available_table(home: Home) -> list[Json]:
    """One row a model that can be pulled: ``name, role, state, size_bytes, dim, revision,
    directory, note``. The state is ``here``, ``incomplete`` or ``not here``."""
    rows = []
    for model in KNOWN_MODELS:
        directory, state, note = None, "not here", ""
        try:
            directory = locate_model(model.name, home.models)
            state = "here"
            check_model_directory(directory, model)
        except ModelLoadError as error:
            if directory is not None:
                state, note = "incomplete", str(error)
            elif isinstance(model, SpeechModel) and _is_packaged(model, home):
                state, note = "here", "installed as packages"
        record = read_record(directory) if directory else None
        rows.append(
            {
                "name": model.name,
                "role": model.role.value,
                "state": state,
                "size_bytes": model.weights_bytes,
                "dim": model.dim,
                "revision": record.revision if record else model.revision,
                "directory": str(directory) if directory else None,
                "note": note,
            }
        )
    return rows


def check_table(home: Home, config: Config, names: Sequence[str], examine: Examine) -> list[Json]:
    """Rows as of `model_table` for models or directories; without names, for those of the
    profile and all that were pulled."""
    rows = [] if names else model_table(home, config, examine)
    if not names:
        seen = {row["name"] for row in rows}
        pulled = [model.name for model in KNOWN_MODELS if (home.models / model.name).is_dir()]
        names = [name for name in pulled if name not in seen]
    rows += [_checked(name, home, examine) for name in names]
    for row in rows:
        if row["ok"] and row.get("directory") and not noted_bytes(Path(row["directory"])):
            row["note"] += ": sizes and headers only, since no pull has noted digests"
    return rows


def named_models(home: Home, names: Sequence[str]) -> list[KnownModel]:
    """The models that names of models or of profiles stand for, each once.

    Raises:
        ConfigError: A name is neither.
    """
    found: list[KnownModel] = []
    for name in names:
        known = find_known_model(name)
        if known is not None:
            found.append(known)
        elif name in available_profiles():
            found += models_of_profile(load_config(home, name))
        else:
            why = " It comes with the installation." if name in (E5, MINILM) else ""
            raise ConfigError(
                f"{name!r} can't be pulled.{why} Expected a profile "
                f"({', '.join(available_profiles())}) or one of: "
                f"{', '.join(model.name for model in KNOWN_MODELS)}."
            )
    return list(dict.fromkeys(found))


def models_of_profile(config: Config) -> list[KnownModel]:
    """The models of the catalog that the profile computes with."""
    sections = (config.encoder, config.reranker, config.generator)
    names = (section.model for section in sections if section.kind in ("qwen3-vl", "llama"))
    return [known for name in names if (known := find_known_model(name))]


def why_nothing_to_pull(home: Home, config: Config, names: Sequence[str]) -> str:
    """What to say where profiles (by default the one of `config`) use no model of the catalog."""
    configs = [load_config(home, name) for name in names] or [config]
    told = []
    for one in configs:
        kinds = {section.kind for section in (one.encoder, one.reranker, one.generator)}
        where = "are behind a server" if "remote" in kinds else "come with the installation"
        told.append(f"the profile {one.profile!r} uses no model that is pulled: its models {where}")
    sentence = "; ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}. Name one of `kb models list`."


def server_table(found: Sequence[FoundServer]) -> list[Json]:
    """One row a model server: ``server, url, problem, models``, of which each has ``name``,
    ``sees_pictures`` and ``context_tokens``."""
    return [
        {
            "server": one.server.name,
            "url": one.server.url,
            "problem": one.problem,
            "models": [asdict(model) for model in one.models],
        }
        for one in found
    ]


def gpu_memory() -> tuple[str, int] | None:
    """Name and bytes of the first GPU; None where torch finds none."""
    if not find_gpu():
        return None
    import torch

    device = torch.cuda.get_device_properties(0)
    return str(device.name), int(device.total_memory)


def _checked(name: str, home: Home, examine: Examine) -> Json:
    if name in (E5, MINILM):
        return _text_encoders(name)[0]
    known = find_known_model(name)
    return _qwen3_vl(name, home.models, known.role.value if known else "model", examine)


def _qwen3_vl(name: str, models_dir: Path, role: str, examine: Examine) -> Json:
    known = find_known_model(name)
    row: Json = {"role": role, "name": known.name if known else name, "ok": False}
    row |= {"size_bytes": 0, "note": "", "directory": None, "damaged": []}
    try:
        directory = locate_model(name, models_dir)
    except ModelLoadError as error:
        return {**row, "note": str(error)}
    row |= {"size_bytes": _weights_bytes(directory), "directory": str(directory)}
    try:
        examine(directory, known)
    except ModelLoadError as error:
        return {**row, "note": str(error), "damaged": sorted(read_damaged(directory))}
    record = read_record(directory)
    note = f"in {directory}"
    if record:
        note = f"{record.hub.label}, revision {record.revision[:12]}, {note}"
    return {**row, "ok": True, "note": note}


def _weights_bytes(directory: Path) -> int:
    if is_gguf_directory(directory):
        return sum(size_bytes(path) or 0 for path in directory.glob("*.gguf"))
    return weights_bytes(directory)


def _text_encoders(name: str, fallback: str | None = None) -> list[Json]:
    row: Json = {"role": "text encoder", "name": name, "ok": False}
    try:
        found = choose_models(name, fallback)
    except ModelLoadError as error:
        return [{**row, "size_bytes": 0, "note": str(error)}]
    rows = []
    for one in found:
        notes = [one.form, f"sha256 {one.sha256[:16]}…"]
        if one.instead_of:
            notes.append(f"{one.instead_of} is not on this machine")
        rows.append(
            {
                **row,
                "name": one.name,
                "ok": True,
                "size_bytes": one.n_bytes,
                "note": ", ".join(note for note in notes if note),
            }
        )
    return rows


def _is_packaged(model: SpeechModel, home: Home) -> bool:
    try:
        find_speech_model(model.name, home.models)
    except ModelLoadError:
        return False
    return True


def _speech(config: SoundConfig, home: Home) -> Json:
    row: Json = {"role": "speech", "name": config.model, "ok": True, "size_bytes": 0}
    if not config.enabled:
        return {**row, "note": "switched off"}
    try:
        require_faster_whisper()
        found = find_speech_model(config.model, home.models)
    except ModelLoadError as error:
        # It is an extra: without it sound is not heard, and all else works.
        return {**row, "name": "none", "note": str(error)}
    row |= {"name": found.name, "size_bytes": found.n_bytes, "note": found.origin}
    try:
        found.read()
    except ModelLoadError as error:
        row |= {"ok": False, "note": str(error)}
    return row


def _ocr(config: Config) -> Json:
    version = metadata.version("rapidocr")
    files = [Path(str(file.locate())) for file in metadata.files("rapidocr") or ()]
    sizes = [size_bytes(path) for path in files if path.suffix == ".onnx"]
    models = [size for size in sizes if size is not None]
    return {
        "role": "words in pictures",
        "name": f"RapidOCR {version}",
        "ok": bool(models),
        "size_bytes": sum(models),
        "note": "Chinese and English" if config.ingest.ocr.enabled else "switched off",
    }
