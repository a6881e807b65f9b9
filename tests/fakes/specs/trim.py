"""`python -m tests.fakes.specs.trim discord-openapi.json > tests/fakes/specs/discord.json`: only what the bot sends."""

import json
import sys
from typing import Any

USED = {
    "/channels/{channel_id}": ["patch"],
    "/channels/{channel_id}/messages": ["post", "get"],
    "/channels/{channel_id}/messages/{message_id}": ["patch", "delete"],
    "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me": ["put"],
    "/users/@me": ["get"],
    "/users/@me/channels": ["post"],
    "/applications/@me": ["get"],
    "/oauth2/applications/@me": ["get"],
    "/applications/{application_id}/commands": ["put"],
    "/interactions/{interaction_id}/{interaction_token}/callback": ["post"],
    "/webhooks/{webhook_id}/{webhook_token}": ["post"],
    "/webhooks/{webhook_id}/{webhook_token}/messages/@original": ["patch", "delete"],
}
PROSE = {"description", "title", "examples", "summary", "x-enum-descriptions", "oneOf-descriptions"}


def trimmed(spec: dict[str, Any]) -> dict[str, Any]:
    """The used calls with the schemas of their bodies, and all schemas those lean on."""
    paths: dict[str, Any] = {}
    for path, methods in USED.items():
        for method in methods:
            content = spec["paths"][path][method].get("requestBody", {}).get("content", {})
            bodies = {kind: {"schema": plain(body["schema"])} for kind, body in content.items()}
            paths.setdefault(path, {})[method] = {"requestBody": {"content": bodies}} if bodies else {}
    schemas: dict[str, Any] = {}
    waiting = references(paths)
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = plain(spec["components"]["schemas"][name])
            waiting |= references(schemas[name])
    info = {"title": spec["info"]["title"], "version": spec["info"]["version"], "license": spec["info"]["license"]}
    components = {"schemas": dict(sorted(schemas.items()))}
    return {"openapi": spec["openapi"], "info": info, "paths": paths, "components": components}


def plain(part: Any) -> Any:
    """Without what is written for people; a property may have such a name all the same."""
    if isinstance(part, list):
        return [plain(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if key not in PROSE or isinstance(value, dict)}
    return {key: plain(value) for key, value in kept.items()}


def references(part: Any) -> set[str]:
    """The names of all schemas that a part leans on."""
    if isinstance(part, list):
        return set().union(*map(references, part)) if part else set()
    if not isinstance(part, dict):
        return set()
    here = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
    return here.union(*map(references, part.values()))


if __name__ == "__main__":
    json.dump(trimmed(json.load(open(sys.argv[1], encoding="utf-8"))), sys.stdout, indent=1, ensure_ascii=False)
