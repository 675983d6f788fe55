"""Reading the configuration: one YAML file a profile, overridden by the home folder's ``kb.yaml``.

The values come, later ones winning, from ``configs/PROFILE.yaml``, ``HOME/kb.yaml`` and the
command line. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import resources
from typing import Any, get_args

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from kb.config import DEFAULT_PROFILE, Config, Home
from kb.config.keys import with_key
from kb.config.models import GeneratorConfig
from kb.config.named import named_generator
from kb.config.passwords import with_passwords
from kb.errors import ConfigError
from kb.masking import is_secret_name, masked

__all__ = ["available_profiles", "load_config", "load_generator", "own_settings", "settled_profile"]

_SHOWN_CHARACTERS = 200


def available_profiles() -> list[str]:
    """Names of the profiles that ship with the project."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in resources.files("configs").iterdir()
        if entry.name.endswith(".yaml")
    )


def settled_profile(home: Home) -> str | None:
    """The profile that ``kb.yaml`` names, else the one that the index was made with.

    Raises:
        ConfigError: ``kb.yaml`` is not YAML.
    """
    own = own_settings(home)
    if "profile" in own:
        return str(own["profile"])
    return home.noted_profile()


def load_config(
    home: Home, profile: str | None = None, overrides: Mapping[str, Any] | None = None
) -> Config:
    """The configuration of `home` under `profile`.

    Args:
        profile: Name of a shipped profile; None takes `settled_profile`, else `starter`.
        overrides: Nested values that win over the files.

    Raises:
        ConfigError: A file is not YAML, or a key or value is not accepted.
    """
    own = own_settings(home)
    name = profile or settled_profile(home) or DEFAULT_PROFILE
    if name not in available_profiles():
        raise ConfigError(
            f"There is no profile {name!r}. Choose one of: {', '.join(available_profiles())}."
        )
    shipped = resources.files("configs").joinpath(f"{name}.yaml").read_text("utf-8")
    merged = _read_yaml(shipped, f"configs/{name}.yaml")
    for top in (own, overrides or {}):
        merged = _merge(merged, top)
        if isinstance(named := merged.get("generator"), str):
            # A name is a whole section: nothing of another server's, least of all its key.
            merged["generator"] = named_generator(named)
    merged["profile"] = name
    try:
        return with_key(with_passwords(Config.model_validate(merged), home), home)
    except ValidationError as error:
        raise ConfigError(_explain(error, home)) from error


def load_generator(chosen: str | Mapping[str, Any]) -> GeneratorConfig:
    """The section that a name stands for, as ``generator: NAME`` in ``kb.yaml`` does, or one that
    is given.

    Raises:
        ConfigError: The name stands for none.
    """
    given = named_generator(chosen) if isinstance(chosen, str) else chosen
    section: GeneratorConfig = TypeAdapter(GeneratorConfig).validate_python(given)
    return section


def own_settings(home: Home) -> dict[str, Any]:
    """What ``kb.yaml`` holds.

    Raises:
        ConfigError: It is not YAML.
    """
    try:
        text = home.config.read_text("utf-8")
    except FileNotFoundError:
        return {}
    return _read_yaml(text, str(home.config))


def _read_yaml(text: str, name: str) -> dict[str, Any]:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{name} is not valid YAML: {_what_is_wrong(error)}. Correct it and try again."
        ) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{name} must hold names with values, found {type(value).__name__}.")
    return value


def _what_is_wrong(error: yaml.YAMLError) -> str:
    """The parser's words and the place, without the line: it may hold a key."""
    problem = masked(str(getattr(error, "problem", None) or "it can't be read"))
    mark = getattr(error, "problem_mark", None)
    return problem + (f" (line {mark.line + 1}, column {mark.column + 1})" if mark else "")


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            # Another kind of model has other settings: the profile's are not its own.
            is_other = "kind" in value and value["kind"] != below.get("kind")
            merged[key] = dict(value) if is_other else _merge(below, value)
        else:
            merged[key] = value
    return merged


def _explain(error: ValidationError, home: Home) -> str:
    lines = []
    for item in error.errors():
        where = ".".join(str(part) for part in _written(item["loc"]))
        line = f"{where}: {item['msg']}{_found(item['loc'], item['input'])}"
        if item["type"] == "extra_forbidden":
            known = _known_keys(item["loc"][:-1])
            near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
            line = f"{where}: no such setting" + (f"; did you mean {near[0]!r}?" if near else "")
        elif item["type"] == "union_tag_invalid":
            tag = str(item["ctx"]["tag"])[:_SHOWN_CHARACTERS]
            line = f"{where}.kind: {tag!r} is none of {item['ctx']['expected_tags']}"
        elif item["type"] == "missing":
            # What was found is the section around it, an API key perhaps among it.
            line = f"{where}: this setting is needed"
        lines.append(line)
    return f"The configuration is not accepted ({home.config}):\n  " + "\n  ".join(lines)


def _found(location: tuple[int | str, ...], value: object) -> str:
    """What stands there: neither a secret nor a whole section, which may hold one."""
    if any(map(is_secret_name, location)):
        return " (what was found is not shown)"
    if isinstance(value, str | int | float | bool | None):
        return f" (found {value!r:.{_SHOWN_CHARACTERS}})"
    return f" (found a {'list' if isinstance(value, list | tuple) else 'section'})"


def _written(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The path as it stands in the file: without the kind that pydantic puts in."""
    if len(location) > 1 and location[0] in ("encoder", "reranker", "generator"):
        return (location[0], *location[2:])
    return location


def _known_keys(path: tuple[int | str, ...]) -> list[str]:
    models: list[type[BaseModel]] = [Config]
    for part in path:
        fields = [model.model_fields[str(part)] for model in models if part in model.model_fields]
        if fields:
            models = [kind for field in fields for kind in _kinds(field.annotation)]
        else:
            # In a section that has kinds, the path names the kind after the section.
            models = [model for model in models if model.model_fields["kind"].default == part]
    return sorted({key for model in models for key in model.model_fields})


def _kinds(annotation: Any) -> list[type[BaseModel]]:
    found = get_args(annotation) or (annotation,)
    return [one for one in found if isinstance(one, type) and issubclass(one, BaseModel)]
