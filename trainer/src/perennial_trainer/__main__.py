"""``perennial-trainer train|verify|preflight|serve``: what to do from the arguments, what with from the environment."""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from perennial_trainer import outcome
from perennial_trainer.contract import Environment, outcome_path
from perennial_trainer.errors import WorkError

Work = Callable[[Environment], dict[str, Any]]

EXPLAINED = 65
"""The exit code of a failure that the outcome explains: the same again would fail again, so it is not retried."""
WORTH_ANOTHER_TRY = frozenset(("OutOfMemory", "OutputUnwritable"))
"""Reasons that may be the machine's and not the run's: another node, or the same one later, may do."""

TERMINATED = 128 + signal.SIGTERM
"""The exit code of work that was told to stop; it says nothing of the work, so a Job may try again."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it succeeded; otherwise the outcome says why."""
    # The first process of a container ignores SIGTERM unless it handles it: a deleted pod would stay for all its grace.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    parsed = _parser().parse_args(arguments)
    if parsed.command == "serve":
        from perennial_trainer.serve import command

        return finish(lambda env: command.main(parsed, env), os.environ, quiet=True)
    return finish(_work(parsed.command), os.environ)


def finish(work: Work, env: Environment, *, quiet: bool = False) -> int:
    """Do the work and write its outcome; a success is not written when quiet."""
    try:
        result = work(env)
    except WorkError as error:
        outcome.write(outcome.failed(error), outcome_path(env))
        return 1 if error.reason in WORTH_ANOTHER_TRY else EXPLAINED
    except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
        traceback.print_exc()
        unexpected = WorkError("Unexpected", f"{type(error).__name__}: {error}")
        outcome.write(outcome.failed(unexpected), outcome_path(env))
        return 1
    if not quiet:
        outcome.write(result, outcome_path(env))
    return 0


def _work(command: str) -> Work:
    # Imported when needed: preflight starts in a moment without scikit-learn.
    if command == "train":
        from perennial_trainer import train

        return train.main
    if command == "verify":
        from perennial_trainer import verify

        return verify.main
    from perennial_trainer import preflight

    return preflight.main


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="perennial-trainer", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("train", help="fit a model and write its artifact")
    commands.add_parser("verify", help="recompute an artifact's digests")
    commands.add_parser("preflight", help="send the golden rows through the gateway")
    serve = commands.add_parser("serve", help="serve a model by KServe's v1 and v2 protocols")
    serve.add_argument("--model-name", required=True, help="the name in the URL")
    serve.add_argument("--model-dir", default="/mnt/models", help="the artifact's folder")
    serve.add_argument("--sha256", required=True, help="the artifact's digest, checked before anything is loaded")
    serve.add_argument("--port", type=int, default=8080)
    serve.add_argument("--drain-seconds", type=float, default=5.0, help="how long to keep accepting after SIGTERM")
    return parser


if __name__ == "__main__":
    sys.exit(main())
