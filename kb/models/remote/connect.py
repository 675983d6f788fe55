"""What an OpenAI-compatible server at an address that somebody gave serves, or why it can't be
used, in words."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import ValidationError

from kb.config.models import RemoteGeneratorConfig
from kb.errors import ConfigError
from kb.models.remote.http import is_this_computer
from kb.models.remote.key import read_api_key
from kb.models.remote.model_list import (
    NoModelListError,
    listed_models,
    read_answer,
    read_json,
)
from kb.models.remote.server_errors import plain, reason

__all__ = ["ServedModel", "address_of", "served_models"]

_CONNECT_S: Final = 5.0
_ANSWER_S: Final = 15.0
_MAX_MODELS: Final = 500


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of a server.

    Attributes:
        context_tokens: That it reads at most; None where the server does not say.
    """

    name: str
    context_tokens: int | None = None


def address_of(url: str) -> str:
    """`url` as a server is asked there, with its version.

    Raises:
        ConfigError: It is no address.
    """
    url = url.strip()
    if "://" not in url and url:
        url = f"http://{url}"
    try:
        return RemoteGeneratorConfig(url=url, model="any").base_url
    except (ValidationError, ValueError) as error:
        raise ConfigError(
            "This is no address of a server. Expected one like http://192.168.1.20:8000/v1, with "
            "neither a name nor a password in it."
        ) from error


def served_models(url: str, api_key: str | None) -> tuple[ServedModel, ...]:
    """The models that a server lists.

    Args:
        url: As of `address_of`.
        api_key: As of `RemoteConfig.api_key`.

    Raises:
        ConfigError: It can't be reached, wants or refuses a key, is no such server, or has none.
    """
    config = RemoteGeneratorConfig(url=url, model="any", api_key=api_key or None)
    key = read_api_key(config, "generator")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    deadline_s = time.monotonic() + _ANSWER_S
    try:
        with (
            httpx.Client(
                timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S),
                trust_env=not is_this_computer(url),
                follow_redirects=False,
            ) as http,
            http.stream("GET", f"{url}/models", headers=headers) as response,
        ):
            answer = read_answer(response, deadline_s)
    except httpx.TimeoutException as error:
        raise ConfigError(
            f"{url} does not answer within some seconds. Is the server on, and does it listen to "
            "this computer?"
        ) from error
    except httpx.HTTPError as error:
        raise ConfigError(
            f"{url} can't be reached ({_why(error, key)}). Start the server, or correct the "
            "address."
        ) from error
    except NoModelListError as error:
        raise _other(url) from error
    return _read(url, key, response, answer)


def _read(
    url: str, key: str | None, response: httpx.Response, answer: bytes
) -> tuple[ServedModel, ...]:
    status = response.status_code
    if status in (401, 403) and key:
        raise ConfigError(f"{url} refuses the key ({status}). Copy it anew from the server.")
    if status in (401, 403):
        raise ConfigError(f"{url} wants a key ({status}). Give it together with the address.")
    if response.is_redirect:
        raise ConfigError(
            f"{url} leads elsewhere ({status}). Give the address that it leads to, if you trust it."
        )
    if status in (404, 405, 501):
        raise _other(url)
    if not response.is_success:
        raise ConfigError(
            f"{url} fails ({status}): {reason(answer, key) or 'no reason given'}. See its log."
        )
    try:
        models = listed_models(read_json(answer))
    except NoModelListError as error:
        raise _other(url) from error
    if not models:
        raise ConfigError(f"{url} answers and lists no model. Load one in it, then connect again.")
    return tuple(map(_model, models[:_MAX_MODELS]))


def _model(listed: dict[str, Any]) -> ServedModel:
    n_tokens = listed.get("max_model_len")
    is_told = isinstance(n_tokens, int) and n_tokens > 0
    return ServedModel(listed["id"], n_tokens if is_told else None)


def _other(url: str) -> ConfigError:
    return ConfigError(
        f"{url} is no OpenAI-compatible server: it has no list of models. Give the address under "
        "which it has /v1/models."
    )


def _why(error: httpx.HTTPError, key: str | None) -> str:
    return plain(str(error), key) or type(error).__name__
