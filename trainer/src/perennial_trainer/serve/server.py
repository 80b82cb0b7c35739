"""Put together the ``kserve`` package's server the way this project needs it."""

import logging
import sys
import warnings

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.routing import Route

from perennial_trainer.serve.drain import Drain, DrainingServer, ResponseHeaders

# Arguments are parsed by the package as it is imported: ours must not be taken for its own.
_arguments, sys.argv = sys.argv, sys.argv[:1]
from kserve import Model, ModelServer, model_server  # noqa: E402
from kserve.errors import InvalidInput, ModelNotFound, ServerNotReady  # noqa: E402
from kserve.model_repository import ModelRepository  # noqa: E402
from kserve.protocol.dataplane import DataPlane  # noqa: E402
from kserve.protocol.rest.server import RESTServer  # noqa: E402

sys.argv = _arguments

# Longer than a gateway keeps an idle connection (Envoy: 1 h), so that it is never this server that closes first.
_KEEP_ALIVE_SECONDS = 4000
_FINISH_SECONDS = 20


class Server(ModelServer):  # type: ignore[misc]
    """One model over HTTP in one process: no gRPC, no loading and unloading over the network, no line a request."""

    def __init__(self, port: int, served_by: str, drain_seconds: float) -> None:
        quiet_logs()
        super().__init__(http_port=port, enable_grpc=False, registered_models=ModelRepository())
        self._drain = Drain(drain_seconds)
        self._served_by = served_by
        self.dataplane = _DrainingDataPlane(self.registered_models, self._drain)

    def start(self, models: list[Model]) -> None:
        """Serve until SIGTERM and the end of the drain."""
        for model in models:
            self.register_model(model)
        rest = _Rest(
            "kserve.model_server:app",
            self.dataplane,
            self.model_repository_extension,
            self.http_port,
            grace_period=_FINISH_SECONDS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        rest.create_application()
        _finish(model_server.app, self._served_by, self._drain)
        quiet_access_log()
        DrainingServer(rest.config, self._drain).run()


class _DrainingDataPlane(DataPlane):  # type: ignore[misc]
    def __init__(self, models: ModelRepository, drain: Drain) -> None:
        super().__init__(model_registry=models)
        self._drain = drain

    async def ready(self) -> bool:
        return not self._drain.started and all([await m.healthy() for m in self.model_registry.get_models().values()])


class _Rest(RESTServer):  # type: ignore[misc]
    def _add_middlewares(self, app: FastAPI) -> None:
        """None of the package's: its timing middleware formats two lines a request that nobody reads."""


def _finish(app: FastAPI, served_by: str, drain: Drain) -> None:
    app.add_middleware(ResponseHeaders, served_by=served_by, drain=drain)
    # Before the package's routes: nobody loads or unloads a model over the network.
    app.router.routes.insert(0, Route("/v2/repository/{path:path}", _no_repository, methods=["GET", "POST"]))
    for error in (InvalidInput, RequestValidationError):
        app.add_exception_handler(error, _bad_request)
    app.add_exception_handler(ModelNotFound, _not_found)
    app.add_exception_handler(ServerNotReady, _not_ready)


async def _no_repository(_: Request) -> JSONResponse:
    return JSONResponse({"error": "this server serves one model and has no repository"}, 404)


# The package's own handlers log a traceback for each of these.
async def _bad_request(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        text = f"the request is not valid at {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    else:
        text = str(error)
    return JSONResponse({"error": text}, 400)


async def _not_found(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, 404)


async def _not_ready(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, 503)


def quiet_logs() -> None:
    """Warnings and errors only from the package, which logs four lines a request otherwise."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    for name in ("kserve", "kserve.trace"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())  # a logger with a handler is left as it is by the package
        logger.setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*ORJSONResponse is deprecated.*")


def quiet_access_log() -> None:
    """No line a request from uvicorn."""
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
