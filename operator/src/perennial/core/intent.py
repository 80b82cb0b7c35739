"""Whether an object already is what we want: then no request is made."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(r"^([+-]?[0-9.]+)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5}
_DECIMAL = {"m": -1, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def holds(intent: Any, live: Any) -> bool:
    """Whether everything that ``intent`` says is so in ``live``, which may say more: defaults and others' fields.

    Lists must be equally long and hold element by element. Quantities are equal when their values are: KServe's webhook
    writes ``1000m`` as ``1``.
    """
    if isinstance(intent, dict):
        # An empty or missing part of an object is the same to the apiserver.
        live = {} if live is None else live
        return isinstance(live, dict) and all(holds(value, live.get(key)) for key, value in intent.items())
    if isinstance(intent, list):
        if not intent and live is None:
            return True
        return isinstance(live, list) and len(intent) == len(live) and all(map(holds, intent, live))
    return bool(intent == live) or _same_quantity(intent, live)


def _same_quantity(intent: Any, live: Any) -> bool:
    if not isinstance(intent, str) or not isinstance(live, str | int):
        return False
    first, second = _quantity(intent), _quantity(str(live))
    return first is not None and first == second


def _quantity(text: str) -> Decimal | None:
    match = _QUANTITY.match(text)
    if match is None or match[1].count(".") > 1:
        return None
    number, suffix = Decimal(match[1]), match[2]
    if suffix in _BINARY:
        return number * Decimal(1024) ** _BINARY[suffix]
    return number * Decimal(1000) ** _DECIMAL[suffix] if suffix else number
