"""The predictor as a model of the ``kserve`` package."""

from typing import Any

import orjson
from kserve import InferRequest, InferResponse, Model
from kserve.errors import InvalidInput

from perennial_trainer.serve import v2
from perennial_trainer.serve.batching import Batcher
from perennial_trainer.serve.predictor import Predictor
from perennial_trainer.signature import RowError

_JSON = {"content-type": "application/json"}


class ServedModel(Model):  # type: ignore[misc]
    """Answers v1 and v2 requests; a row that the model cannot take is an `InvalidInput`, which is a 400."""

    def __init__(self, name: str, predictor: Predictor) -> None:
        super().__init__(name, return_response_headers=True)
        self._card = predictor.card
        self._batcher = Batcher(predictor.predict)
        self.ready = True

    async def predict(
        self,
        payload: dict[str, Any] | InferRequest,
        headers: dict[str, str] | None = None,  # noqa: ARG002 - the package passes it by position
        response_headers: dict[str, str] | None = None,
    ) -> bytes | InferResponse:
        """Answer one request: v1 as finished JSON, v2 as the package's own response."""
        try:
            if isinstance(payload, InferRequest):
                predictions = await self._batcher.submit(v2.rows(payload, self._card.inputs))
                return v2.response(payload, self.name, self._card.outputs[0], predictions)
            predictions = await self._batcher.submit(self._card.inputs.rows(_instances(payload)))
        except RowError as error:
            raise InvalidInput(str(error)) from error
        if response_headers is not None:
            response_headers.update(_JSON)
        return orjson.dumps({"predictions": predictions})

    def get_input_types(self) -> list[dict[str, Any]]:
        """The inputs as v2 metadata has them."""
        return v2.inputs(self._card.inputs)

    def get_output_types(self) -> list[dict[str, Any]]:
        """The outputs as v2 metadata has them."""
        return v2.outputs(self._card.outputs)


def _instances(payload: Any) -> Any:
    if isinstance(payload, bytes):  # the package reads JSON only when the content type says so; curl -d does not
        payload = _parse(payload)
    if not isinstance(payload, dict) or "instances" not in payload:
        raise RowError('the request must be a JSON object with "instances", a list of rows')
    return payload["instances"]


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RowError(f"the request is not JSON: {error}") from error
