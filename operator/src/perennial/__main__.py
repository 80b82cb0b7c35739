"""Start the operator: `python -m perennial`. Every argument has an environment variable of the same name."""

import argparse
import asyncio
import logging
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from perennial.controllers.registry import build
from perennial.core import logs
from perennial.core.run import run
from perennial.core.settings import Settings
from perennial.ports.kube import ConfigurationError

PREFIX = "PERENNIAL_"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the operator; return its exit code (2: settings or credentials are wrong)."""
    arguments = _parser(os.environ).parse_args(argv)
    logs.configure(logging.DEBUG if arguments.verbose else logging.INFO)
    try:
        settings = Settings.model_validate(_values(vars(arguments)))
    except ValidationError as error:
        for problem in error.errors():
            print(f"--{str(problem['loc'][0]).replace('_', '-')}: {problem['msg']}", file=sys.stderr)
        return 2
    try:
        return asyncio.run(run(settings, build))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m perennial", description="The operator of Perennial")
    verbose = f"log debug lines too (${PREFIX}VERBOSE, any text)"
    parser.add_argument("--verbose", action="store_true", default=bool(environ.get(f"{PREFIX}VERBOSE")), help=verbose)
    for name, field in Settings.model_fields.items():
        variable = PREFIX + name.upper()
        default = environ.get(variable) or _guess(name)
        shown = "required" if field.is_required() and not default else f"default: {_shown(default or field.default)}"
        text = f"{field.description} (${variable}; {shown})"
        parser.add_argument(f"--{name.replace('_', '-')}", default=default, metavar="VALUE", help=text)
    return parser


def _shown(value: object) -> str:
    """A default as --help prints it: the environment's may be a URL with a password."""
    return logs.without_user(str(value)).replace("%", "%%")


def _guess(name: str) -> str | None:
    return {"namespace": "perennial-system", "pod_name": socket.gethostname()}.get(name)


def _values(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those that were given; a list is written with commas."""
    given = {name: arguments[name] for name in Settings.model_fields if arguments[name] is not None}
    if "namespaces" in given:
        given["namespaces"] = tuple(part.strip() for part in given["namespaces"].split(",") if part.strip())
    return given


if __name__ == "__main__":
    sys.exit(main())
