"""The description of ``/api/v1`` as a page: no script, and nothing from elsewhere."""

from __future__ import annotations

from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

__all__ = ["docs_page"]

Json = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")


def docs_page(description: Json) -> str:
    """HTML that shows an OpenAPI description."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    source = resources.files(__package__).joinpath("docs.html").read_text("utf-8")
    schemas = description["components"]["schemas"]
    return environment.from_string(source).render(
        title=description["info"]["title"],
        version=description["info"]["version"],
        about=description["info"]["description"],
        base=description["servers"][0]["url"],
        ways_in=description["components"]["securitySchemes"],
        operations=[
            _operation(path, method, operation)
            for path, methods in description["paths"].items()
            for method, operation in methods.items()
            if method in _METHODS
        ],
        schemas={name: _rows(schema) for name, schema in sorted(schemas.items())},
        abouts={name: schema.get("description", "") for name, schema in schemas.items()},
    )


def _operation(path: str, method: str, operation: Json) -> Json:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "method": method.upper(),
        "path": path,
        "about": operation.get("description", ""),
        "parameters": [
            {
                "name": one["name"],
                "where": one["in"],
                "type": _type(one["schema"]),
                "about": one.get("description") or one["schema"].get("description", ""),
            }
            for one in operation.get("parameters", ())
        ],
        "bodies": {media_type: _type(content["schema"]) for media_type, content in body.items()},
        "responses": {
            status: {
                "about": response["description"],
                "types": {
                    media_type: _type(content.get("schema", {}))
                    for media_type, content in response.get("content", {}).items()
                },
            }
            for status, response in operation["responses"].items()
        },
    }


def _rows(schema: Json) -> list[Json]:
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "type": _type(field),
            "is_required": name in required,
            "about": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(schema: Json) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if "items" in schema else "list"
    if schema.get("type") == "object" and "properties" in schema:
        return ", ".join(schema["properties"])
    return str(schema.get("type", "any"))
