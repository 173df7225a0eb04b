"""The API description as one page that needs nothing from another host, and no script.

Made from the OpenAPI document, so that it says what the routes say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any


def render_docs(openapi: Mapping[str, Any]) -> str:
    info = openapi["info"]
    description = "".join(f"<p>{escape(each)}</p>" for each in info["description"].split("\n\n"))
    operations = "".join(_operations(openapi))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}</title>"
        '<link rel="icon" href="/assets/icon.svg"><link rel="stylesheet" href="/assets/style.css">'
        '<body class="docs-page">'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>{description}"
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
        f"{operations}</html>"
    )


def _operations(openapi: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(operation['summary'])}. {escape(operation.get('description', ''))}"
            yield "</p><dl>"
            for parameter in operation.get("parameters", ()):
                yield _term(parameter["name"], parameter["schema"], parameter.get("description"))
            schema = _body_schema(openapi, operation)
            for name, each in schema.get("properties", {}).items():
                yield _term(name, each, each.get("description"))
            yield "</dl>"
            for example in schema.get("examples", ()):
                yield f"<pre>{escape(_curl(path, example))}</pre>"


def _term(name: str, schema: Mapping[str, Any], description: str | None) -> str:
    default = f" (default: {json.dumps(schema['default'])})" if "default" in schema else ""
    return (
        f"<dt><code>{escape(name)}</code>{escape(default)}</dt><dd>{escape(description or '')}</dd>"
    )


def _body_schema(openapi: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any]:
    if "requestBody" not in operation:
        return {}
    schema: Mapping[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rpartition("/")[2]  # "#/components/schemas/SearchRequest"
    found: Mapping[str, Any] = openapi["components"]["schemas"][name]
    return found


def _curl(path: str, example: object) -> str:
    body = json.dumps(example, ensure_ascii=False)
    return f"curl localhost:8000{path} -H 'Content-Type: application/json' \\\n  -d '{body}'"
