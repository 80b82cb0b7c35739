"""The Open Inference (v2) protocol: one tensor a column, or one numeric tensor of all columns."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from kserve import InferInput, InferOutput, InferRequest, InferResponse

from perennial_trainer.signature import Row, RowError, Signature

_DATATYPES = {"boolean": "BOOL", "integer": "INT64", "number": "FP64", "string": "BYTES"}


def inputs(signature: Signature) -> list[dict[str, Any]]:
    """The signature as tensors' metadata."""
    return [{"name": i.name, "datatype": _DATATYPES[i.type], "shape": [-1]} for i in signature.inputs]


def outputs(described: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """A card's outputs as tensors' metadata."""
    return [{"name": o["name"], "datatype": _DATATYPES[o["type"]], "shape": [-1]} for o in described]


def rows(request: InferRequest, signature: Signature) -> list[Row]:
    """Checked rows of a request.

    Raises:
        RowError: naming the column (tensor).
    """
    tensors = {tensor.name: tensor for tensor in request.inputs}
    names = signature.names
    if len(tensors) == 1 and len(names) > 1:
        (matrix,) = tensors.values()
        if len(matrix.shape) == 2:
            return signature.rows(_rows_of(matrix, len(names)))
    columns = []
    for name in names:
        if name not in tensors:
            raise RowError(f"there is no input {name!r}; the model reads {', '.join(names)}")
        columns.append(_values(tensors[name]))
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise RowError(f"the inputs have different numbers of rows: {', '.join(map(str, sorted(lengths)))}")
    return signature.rows([list(row) for row in zip(*columns, strict=True)])


def response(
    request: InferRequest, model: str, described: Mapping[str, str], predictions: Sequence[Any]
) -> InferResponse:
    """The answer to a request; it has an id even when the request has none, as the protocol wants."""
    datatype = _DATATYPES[described["type"]]
    output = InferOutput(described["name"], [len(predictions)], datatype, list(predictions))
    return InferResponse(request.id or str(uuid.uuid4()), model, [output])


def _values(tensor: InferInput) -> list[Any]:
    if tensor.data is None:  # binary data
        values = tensor.as_numpy().ravel().tolist()
        return [value.decode() if isinstance(value, bytes) else value for value in values]
    return _flat(tensor.data)


def _flat(data: Any) -> list[Any]:
    if not isinstance(data, list):
        return [data]
    return [value for item in data for value in _flat(item)] if any(isinstance(i, list) for i in data) else data


def _rows_of(matrix: InferInput, width: int) -> list[list[Any]]:
    values = _values(matrix)
    if matrix.shape[1] != width or len(values) % width:
        raise RowError(f"the input {matrix.name!r} has shape {matrix.shape}; the model reads {width} columns")
    return [values[start : start + width] for start in range(0, len(values), width)]
