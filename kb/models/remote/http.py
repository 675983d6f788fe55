"""Asking a model server that speaks JSON, and saying in plain words what went wrong."""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx

from kb.config.models import RemoteConfig
from kb.errors import InferenceError, ModelLoadError
from kb.models.remote.key import read_api_key
from kb.models.remote.server_errors import is_too_long, plain, reason
from kb.retry import PassingError, Tries, asked_delay_s, asks_to_wait
from kb.stopping import check

__all__ = ["JsonClient", "RefusedError", "is_this_computer", "n_prompt_tokens", "pooled_client"]

Json = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")

_CONNECT_S: Final = 10.0
_MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_THIS_COMPUTER = ("localhost", "127.0.0.1", "::1")

# vLLM has these beside ``/v1``, not under it.
_AT_ROOT: Final = ("/classify",)
# What vLLM answers where the input is at fault.
_REFUSALS = (400, 413, 422)
# vLLM answers 501 where the path is known and the model is of another task.
_ABSENT = (404, 405, 501)


class RefusedError(InferenceError):
    """The server takes no such input; other inputs are not concerned.

    Args:
        reason: In the server's words.
    """

    def __init__(self, message: str, *, model_id: str, reason: str) -> None:
        super().__init__(message, model_id=model_id)
        self.reason = reason

    @property
    def is_too_long(self) -> bool:
        """Whether the input is over the model's context."""
        return is_too_long(self.reason)


def pooled_client(config: RemoteConfig) -> httpx.Client:
    """Connections to the server of `config`, with its time limit."""
    return httpx.Client(
        timeout=httpx.Timeout(
            config.timeout_s, connect=min(_CONNECT_S, config.timeout_s), pool=None
        ),
        trust_env=not is_this_computer(config.url),
    )


def is_this_computer(url: str) -> bool:
    """Whether an address is one of the loopback, to which no proxy of the environment leads."""
    return urlsplit(url).hostname in _THIS_COMPUTER


def n_prompt_tokens(answer: Json) -> int | None:
    """Of the prompt that `answer` answers; None where the server does not say."""
    usage = answer.get("usage")
    n_tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return n_tokens if isinstance(n_tokens, int) else None


class JsonClient:
    """The JSON endpoints of one server. Safe to use from several threads.

    A lost connection, a 429 and a 5xx are tried again, waiting twice as long each time, or as
    long as the server asks. An answer that does not come in time is not: the server would
    compute it twice.

    Args:
        config: Where the server is and how it is asked.
        section: Of the configuration, for messages: ``encoder`` or ``reranker``.

    Raises:
        ConfigError: The API key names a variable of the environment that is not set.
    """

    def __init__(self, config: RemoteConfig, section: str) -> None:
        self._config = config
        self._section = section
        self._key = read_api_key(config, section)
        self._http = pooled_client(config)
        if self._key:
            self._http.headers["Authorization"] = f"Bearer {self._key}"
        # Models are dropped, not closed; connections would be left to the collector.
        weakref.finalize(self, self._http.close)

    def post(self, path: str, body: Json) -> Json:
        """The object that the server answers to `body` at `path`, as vLLM's documentation calls
        it after ``/v1``.

        Raises:
            InferenceError: It is slow, overloaded, failing, or answers no object.
            ModelLoadError: It can't be reached, refuses the key, or serves another model.
            RefusedError: It takes no such input.
        """
        return self._retried("POST", path, body)

    def check_model(self) -> None:
        """Raises as `post`; ModelLoadError where the model is not among those served."""
        served = self._served(self._retried("GET", "/models", None))
        if self._config.model not in served:
            raise self._other_model(served)

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """`function` of every item in order, `n_parallel` at once; the first error ends it.
        Calls have threads of their own, so a question does not wait for ingest."""
        n_threads = min(self._config.n_parallel, len(items))
        if n_threads <= 1:
            return [function(item) for item in items]
        with ThreadPoolExecutor(n_threads, thread_name_prefix="remote") as pool:
            futures = [pool.submit(function, item) for item in items]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    @property
    def name(self) -> str:
        """Of the server, for messages."""
        return f"The model server {self._config.base_url}"

    def nonsense(self, expected: str, found: str) -> InferenceError:
        """The error for an answer that is not `expected`."""
        return self._failed(
            f"answered {self._plain(found)} where {expected} was expected. Is {self._section}.url "
            f"the address of a vLLM server that serves {self._config.model!r} for this purpose?"
        )

    def _retried(self, method: str, path: str, body: Json | None) -> Json:
        check()
        tries = Tries(self._config.n_retries)
        return tries.run(partial(self._once, method, path, body, tries))

    def _once(self, method: str, path: str, body: Json | None, tries: Tries) -> Json:
        root = self._config.root_url if path in _AT_ROOT else self._config.base_url
        url = f"{root}{path}"
        deadline = time.monotonic() + self._config.timeout_s
        answer = bytearray()
        try:
            with self._http.stream(method, url, json=body) as response:
                for part in response.iter_bytes():
                    answer += part
                    # httpx counts its time anew with every byte that arrives.
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("The answer does not end.")
                    if len(answer) > _MAX_ANSWER_BYTES:
                        raise self.nonsense("a short answer", f"over {len(answer):,} bytes")
        except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
            raise self._failed(
                f"did not answer within {self._config.timeout_s:g} s ({tries}). Raise "
                f"{self._section}.timeout_s or lower {self._section}.n_parallel in kb.yaml, or "
                "look at what else the server does."
            ) from error
        except httpx.TransportError as error:
            final = ModelLoadError(
                f"{self.name} can't be reached "
                f"({self._plain(str(error)) or type(error).__name__}). Start it, or correct "
                f"{self._section}.url in kb.yaml.",
                model_id=self._config.model,
            )
            raise PassingError(final) from error
        except httpx.HTTPError as error:
            raise self.nonsense("JSON", f"something unreadable ({error})") from error
        if response.is_success:
            return self._object(bytes(answer))
        raise self._error(response, path, reason(bytes(answer), self._key), tries)

    def _object(self, answer: bytes) -> Json:
        try:
            found = json.loads(answer)
        except ValueError as error:
            raise self.nonsense("JSON", repr(answer[:80])) from error
        if isinstance(found, dict):
            return found
        raise self.nonsense("a JSON object", type(found).__name__)

    def _error(self, response: httpx.Response, path: str, reason: str, tries: Tries) -> Exception:
        status = response.status_code
        if status in (401, 403):
            ours = "refuses the API key" if self._key else "wants an API key"
            return ModelLoadError(
                f"{self.name} {ours} ({status}). Set "
                f"{self._section}.api_key in kb.yaml, best as $NAME of an environment variable.",
                model_id=self._config.model,
            )
        if status in _REFUSALS:
            return RefusedError(
                f"{self.name} refused the input ({status}): {reason}",
                model_id=self._config.model,
                reason=reason,
            )
        if status in _ABSENT:
            return self._absent(path, status)
        if status == 429:
            asked_s = asked_delay_s(response.headers.get("Retry-After", ""))
            busy = self._failed(
                f"is overloaded (429){asks_to_wait(asked_s)} ({tries}). Lower "
                f"{self._section}.n_parallel in kb.yaml, or try again later."
            )
            return PassingError(busy, asked_s)
        failed = f"failed ({status}): {reason or 'no reason given'}. See its log"
        if status >= 500:
            return PassingError(self._failed(f"{failed} ({tries})."))
        return self._failed(f"{failed}.")

    def _absent(self, path: str, status: int) -> ModelLoadError:
        if path != "/models":
            try:
                served = self._served(self._once("GET", "/models", None, Tries(0)))
            except (InferenceError, ModelLoadError, PassingError):
                served = [self._config.model]  # it does not say: blame the path
            if self._config.model not in served:
                return self._other_model(served)
        return ModelLoadError(
            f"{self.name} has no {path} ({status}). Correct "
            f"{self._section}.url in kb.yaml, or start vLLM with `--runner pooling`.",
            model_id=self._config.model,
        )

    def _other_model(self, served: Sequence[str]) -> ModelLoadError:
        names = ", ".join(served) or "no model"
        return ModelLoadError(
            f"{self.name} does not serve {self._config.model!r}; it "
            f"serves {self._plain(names)}. Set {self._section}.model in kb.yaml to one of these, "
            f"or correct {self._section}.url.",
            model_id=self._config.model,
        )

    def _served(self, answer: Json) -> list[str]:
        models = answer.get("data")
        if not isinstance(models, list):
            raise self.nonsense("a list of models", json.dumps(answer)[:80])
        return [str(model["id"]) for model in models if isinstance(model, dict) and "id" in model]

    def _failed(self, what: str) -> InferenceError:
        return InferenceError(f"{self.name} {what}", model_id=self._config.model)

    def _plain(self, text: str) -> str:
        return plain(text, self._key)
