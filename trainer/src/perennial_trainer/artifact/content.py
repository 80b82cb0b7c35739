"""The content digest: equal for the same model, though the bytes of its skops file differ from run to run.

A skops file is a ZIP archive (with times) of a ``schema.json`` that describes a tree of objects, each with its address
in the memory of the process that wrote it, and of arrays in files named by such addresses. Left out here: the times and
the addresses. An array counts by the digest of its bytes, a set in the order of its members' digests.
"""

import io
import json
import zipfile
from typing import Any

from perennial_trainer.canonical import digest_bytes, digest_json

_SCHEMA = "schema.json"


def model_digest(skops_file: bytes) -> str:
    """SHA-256 (64 hexadecimal digits) of the content of a skops file.

    Raises:
        KeyError, ValueError, zipfile.BadZipFile: it is not a skops file.
    """
    with zipfile.ZipFile(io.BytesIO(skops_file)) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        files = {name: _file_digest(archive.read(name)) for name in archive.namelist() if name != _SCHEMA}
    return digest_json(_text(_strip(schema, files)))


def content_digest(skops_file: bytes, **parts: Any) -> str:
    """SHA-256 of a model's content together with JSON parts such as its signature and golden rows."""
    return digest_json({"model": model_digest(skops_file), **parts})


def _file_digest(data: bytes) -> str:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return digest_bytes(data)
    # A sparse matrix is an archive of arrays, with times again.
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return digest_json({name: digest_bytes(archive.read(name)) for name in archive.namelist()})


def _strip(node: Any, files: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_strip(item, files) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _strip(value, files) for key, value in node.items() if key not in ("__id__", "file")}
    if isinstance(node.get("file"), str) and node["file"] in files:
        kept["file"] = files[node["file"]]
    elif "file" in node:
        kept["file"] = _strip(node["file"], files)
    if node.get("__loader__") == "SetNode":
        kept["content"] = sorted(kept["content"], key=lambda item: digest_json(_text(item)))
    return kept


def _text(value: Any) -> str:
    # JSON with NaN and infinities, which a parameter of an estimator may well be.
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
