"""The OpenAPI description of ``/api/v1``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ui.http.problems import PROBLEM
from ui.http.v1 import schemas

__all__ = ["PROBLEMS", "body_of", "describe"]

Json = dict[str, Any]

_REFERENCE = "#/components/schemas/{model}"
# Bodies that routes read by themselves, since they may be JSON or a form.
_BODIES: tuple[type[BaseModel], ...] = (
    schemas.SearchRequest,
    schemas.AskRequest,
    schemas.KeptAskRequest,
)
_TAKEN: Literal["validation"] = "validation"
_FILE = {"type": "string", "format": "binary"}
_WAYS_IN: Json = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "Of `kb token create`, with the scope `read`, `add` or `delete`.",
    },
    "password": {"type": "http", "scheme": "basic", "description": "The user is `kb`."},
    "program": {
        "type": "apiKey",
        "in": "header",
        "name": "X-KB-Request",
        "description": "`1`, with what is not a GET: no web page can send it in a program's place.",
    },
}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What failed, and what to do",
        "content": {PROBLEM: {"schema": {"$ref": _REFERENCE.format(model="Problem")}}},
    }
}
"""For every route."""


def body_of(model: type[BaseModel]) -> Json:
    """What FastAPI adds to the description of a route whose body is JSON or a form of `model`."""
    fields: Json = {}
    for name in model.model_fields:
        if name == "images":
            fields[name] = {"type": "array", "items": _FILE}
        elif name == "video":
            fields[name] = _FILE
        else:
            is_json = name in ("filters", "turns")
            fields[name] = {"type": "string"} | ({"description": "JSON."} if is_json else {})
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}},
                "multipart/form-data": {"schema": {"type": "object", "properties": fields}},
            },
        }
    }


def describe(app: FastAPI) -> Callable[[], Json]:
    """What makes the description of `app`, once."""
    made: list[Json] = []

    def openapi() -> Json:
        if not made:
            description = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                servers=[{"url": "/api/v1"}],
                separate_input_output_schemas=False,
            )
            _, bodies = models_json_schema(
                [*((model, _TAKEN) for model in _BODIES), (schemas.Problem, _TAKEN)],
                ref_template=_REFERENCE,
            )
            components = description["components"]
            components["schemas"] |= bodies["$defs"]
            components["securitySchemes"] = _WAYS_IN
            # One of them: without a password nobody asks for it.
            description["security"] = [{name: []} for name in _WAYS_IN] + [{}]
            made.append(description)
        return made[0]

    return openapi
