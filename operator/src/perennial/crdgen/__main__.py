"""``python -m perennial.crdgen [--check] [--root FOLDER]``: write the generated files, or fail if they differ."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from perennial.api import RESOURCES
from perennial.crdgen.errors import SchemaError
from perennial.crdgen.output import differences, generated_files, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, or nothing differs; 1 something differs, or a type cannot be said in a schema."""
    parser = argparse.ArgumentParser(prog="python -m perennial.crdgen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail with the difference")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository (default: the current folder)")
    options = parser.parse_args(arguments)
    try:
        files = generated_files(RESOURCES)
    except SchemaError as error:
        print(f"crdgen: {error}", file=sys.stderr)
        return 1
    return _check(options.root, files) if options.check else _write(options.root, files)


def _write(root: Path, files: dict[str, str]) -> int:
    for path in write(root, files):
        print(path)
    return 0


def _check(root: Path, files: dict[str, str]) -> int:
    lines = differences(root, files)
    for line in lines:
        print(line)
    if lines:
        print("crdgen: the files above are not what the types say; run `make generate`", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
