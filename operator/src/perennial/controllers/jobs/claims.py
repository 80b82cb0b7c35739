"""Addresses of the form pvc://CLAIM/PATH."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from perennial.api.base import PvcUri

SCHEME = "pvc://"
_URI: TypeAdapter[str] = TypeAdapter(PvcUri)


@dataclass(frozen=True)
class ClaimPath:
    """A file or folder on a PersistentVolumeClaim; `path` is relative to the claim's root and may be empty."""

    claim: str
    path: str

    @property
    def uri(self) -> str:
        """The address it was read from."""
        return f"{SCHEME}{self.claim}/{self.path}" if self.path else f"{SCHEME}{self.claim}"

    def __truediv__(self, part: str) -> ClaimPath:
        return ClaimPath(self.claim, f"{self.path}/{part}" if self.path else part)


def parse_claim_path(uri: str) -> ClaimPath:
    """The claim and path of an address. Raises ValueError when it is none, or could lead out of its folder."""
    claim, _, path = _URI.validate_python(uri).removeprefix(SCHEME).partition("/")
    return ClaimPath(claim, path)


def lies_under(uri: str, folder: ClaimPath) -> bool:
    """Whether an address that someone else gave names something inside `folder`, not the folder itself."""
    try:
        place = parse_claim_path(uri)
    except ValueError:
        return False
    return place.claim == folder.claim and place.path.startswith(f"{folder.path}/")
