"""``serve``: verify, load, serve."""

import argparse
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from perennial_trainer.artifact import store
from perennial_trainer.contract import Environment


def main(arguments: argparse.Namespace, env: Environment) -> dict[str, Any]:
    """Serve one artifact until SIGTERM; every file's digest is checked before anything is loaded.

    Raises:
        WorkError: the artifact is not the one that was registered, or cannot be loaded.
    """
    # As process 1 of a container the default action of SIGTERM would be ignored while the model loads.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    start = time.monotonic()
    artifact = store.verify(Path(arguments.model_dir), arguments.sha256)
    from perennial_trainer.serve.model import ServedModel
    from perennial_trainer.serve.predictor import Predictor
    from perennial_trainer.serve.server import Server

    predictor = Predictor.load(artifact)
    served_by = env.get("INFERENCE_SERVICE_NAME") or arguments.model_name
    server = Server(arguments.port, served_by, arguments.drain_seconds)
    _log(f"loaded {artifact.sha256} in {time.monotonic() - start:.1f} s, {_megabytes():.0f} MB resident")
    server.start([ServedModel(arguments.model_name, predictor)])
    return {}


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _log(text: str) -> None:
    print(f"serve: {text}", flush=True)
