"""Models as skops files. Which types may be made on loading is decided here, never by the file."""

import warnings
from typing import Any

import skops.io

from perennial_trainer.artifact.trusted import TRUSTED
from perennial_trainer.errors import WorkError

FILE_NAME = "model.skops"
FORMAT = "skops"


def dump(model: Any) -> bytes:
    """A fitted model as the bytes of a skops file that `load` accepts.

    Raises:
        WorkError: ``FormatUnsupported`` when skops cannot express it or it holds a type that is not trusted.
    """
    try:
        data: bytes = skops.io.dumps(model)
    except Exception as error:
        raise WorkError("FormatUnsupported", f"skops cannot save this model: {error}.") from error
    _check(data)
    return data


def load(data: bytes) -> Any:
    """The model in a skops file; nothing is constructed before every type in it was found to be trusted.

    Raises:
        WorkError: ``FormatUnsupported`` for a type that is not trusted, ``ModelUnreadable`` for a broken file.
    """
    try:
        _check(data)
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=_version_warning())
            return skops.io.loads(data, trusted=list(TRUSTED))
    except WorkError:
        raise
    except Exception as error:
        raise WorkError("ModelUnreadable", f"{FILE_NAME} cannot be loaded: {error}.") from error


def _check(data: bytes) -> None:
    refused = sorted(set(skops.io.get_untrusted_types(data=data)) - TRUSTED)
    if refused:
        raise WorkError("FormatUnsupported", f"The model holds a type that is not trusted: {', '.join(refused[:5])}.")


def _version_warning() -> type[Warning]:
    from sklearn.exceptions import InconsistentVersionWarning

    kind: type[Warning] = InconsistentVersionWarning
    return kind
