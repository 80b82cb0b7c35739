"""What Argo CD does with a script: a real Lua 5.1 with the libraries that Argo CD gives and no others.

As in its util/lua: base, table and `require`, by which an os of `time` and `date` can be had; no string, no math, not
even methods of strings. The object is the global `obj`, and what the script returns goes through JSON, where an empty
table is a list; one that was a map before is put right again, and the rest becomes a JSON merge patch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from lupa.lua51 import LuaError, LuaRuntime, lua_type

ROOT = Path(__file__).parents[3]
CUSTOMIZATIONS = ROOT / "manifests/argocd/customizations"
HEALTHS = ("Healthy", "Progressing", "Suspended", "Degraded", "Missing", "Unknown")
KEPT = (
    "assert collectgarbage error getfenv getmetatable ipairs load loadstring module newproxy next pairs pcall print"
    " rawequal rawget rawset require select setfenv setmetatable table tonumber tostring type unpack xpcall _G _VERSION"
)
_SANDBOX = """
local kept, time, date = ...
getmetatable("").__index = nil
package.loaded.os, package.loaders = nil, nil
local safe = { time = time, date = date }
require = function(name)
  if name == "os" then return safe end
  error("module " .. name .. " not found")
end
for name in pairs(_G) do
  if not kept[name] then _G[name] = nil end
end
setmetatable(_G, { __newindex = function(_, name) error("a global is set: " .. name) end })
"""


def run(script: str, obj: dict[str, Any]) -> Any:
    """What the script returns for the object, as JSON. Raises LuaError."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    lua.globals().obj = lua.table_from(_without_none(obj), recursive=True)
    kept = lua.table_from(dict.fromkeys([*KEPT.split(), "obj"], True))
    functions = lua.globals().os
    lua.execute(_SANDBOX, kept, functions.time, functions.date)
    return _json(lua.execute(script))


def health(obj: dict[str, Any]) -> str:
    """The health that Argo CD shows; a message comes with it."""
    found = run((CUSTOMIZATIONS / "health.lua").read_text(), obj)
    assert found["status"] in HEALTHS
    assert found["message"], found
    return str(found["status"])


class Actions:
    """The actions of a kind as they are in the ConfigMap."""

    def __init__(self, text: str) -> None:
        read = yaml.safe_load(text)
        self._discovery = read["discovery.lua"]
        self._definitions = {each["name"]: each["action.lua"] for each in read["definitions"]}

    @property
    def names(self) -> set[str]:
        return set(self._definitions)

    def enabled(self, obj: dict[str, Any]) -> set[str]:
        """The actions that can be chosen for the object."""
        found = run(self._discovery, obj)
        assert set(found) == self.names
        return {name for name, each in found.items() if each["disabled"] is False}

    def patch(self, name: str, obj: dict[str, Any]) -> dict[str, Any]:
        """The JSON merge patch that an action becomes. Raises LuaError when it refuses."""
        return merge_patch(obj, _mended(run(self._definitions[name], obj), obj))


def merge_patch(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What takes one object to the other (RFC 7386)."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            if inner := merge_patch(before, value):
                patch[key] = inner
        elif before != value:
            patch[key] = value
    return patch


def merged(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The object with the patch applied."""
    new = dict(old)
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = merged(old.get(key) or {}, value)
        else:
            new[key] = value
    return new


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list) else value


def _json(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    keys = list(value.keys())
    if all(isinstance(key, int) for key in keys):
        return [_json(value[key]) for key in sorted(keys)]
    return {key: _json(value[key]) for key in keys}


def _mended(new: Any, old: Any) -> Any:
    if new == [] and isinstance(old, dict):
        return old
    if isinstance(new, dict) and isinstance(old, dict):
        return {key: _mended(value, old.get(key)) for key, value in new.items()}
    if isinstance(new, list) and isinstance(old, list):
        return [_mended(value, before) for value, before in zip(new, old, strict=True)]
    return new


__all__ = ["CUSTOMIZATIONS", "ROOT", "Actions", "LuaError", "health", "merged", "run"]
