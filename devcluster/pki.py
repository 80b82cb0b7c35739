"""Certificates by openssl: an authority and what it signs, as NAME.crt and NAME.key in one folder."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_DAYS = "3650"


@dataclass(frozen=True)
class Certificate:
    """What to ask of an authority.

    Attributes:
        name: stem of the files.
        subject: in openssl's form, such as /O=system:masters/CN=admin.
        usages: extended key usages, such as ("clientAuth",).
        names: subject alternative names, such as ("DNS:localhost", "IP:127.0.0.1").
    """

    name: str
    subject: str
    usages: tuple[str, ...] = ("clientAuth",)
    names: tuple[str, ...] = ()


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")


def make_key(path: Path) -> None:
    """Write a new private key (P-256, PEM, readable by root only)."""
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path))
    path.chmod(0o600)


def make_public_key(private: Path, public: Path) -> None:
    """Write the public half of a private key."""
    _openssl("ec", "-in", str(private), "-pubout", "-out", str(public))


def make_authority(directory: Path, common_name: str) -> None:
    """Write ca.key and ca.crt into the folder."""
    directory.mkdir(parents=True, exist_ok=True)
    make_key(directory / "ca.key")
    constraints = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
    extensions = [word for value in constraints for word in ("-addext", value)]
    _openssl("req", "-x509", "-new", "-key", str(directory / "ca.key"), "-subj", f"/CN={common_name}",
             "-days", _DAYS, "-out", str(directory / "ca.crt"), *extensions)  # fmt: skip


def issue(directory: Path, wanted: Certificate) -> None:
    """Write NAME.key and NAME.crt, signed by the authority in the same folder."""
    key, request, extensions = (str(directory / f"{wanted.name}.{suffix}") for suffix in ("key", "csr", "ext"))
    make_key(Path(key))
    _openssl("req", "-new", "-key", key, "-subj", wanted.subject, "-out", request)
    Path(extensions).write_text(_extensions(wanted))
    _openssl("x509", "-req", "-in", request, "-CA", str(directory / "ca.crt"), "-CAkey", str(directory / "ca.key"),
             "-CAcreateserial", "-days", _DAYS, "-extfile", extensions,
             "-out", str(directory / f"{wanted.name}.crt"))  # fmt: skip
    Path(request).unlink()
    Path(extensions).unlink()


def _extensions(wanted: Certificate) -> str:
    lines = ["keyUsage=critical,digitalSignature", f"extendedKeyUsage={','.join(wanted.usages)}"]
    if wanted.names:
        lines.append(f"subjectAltName={','.join(wanted.names)}")
    return "\n".join(lines) + "\n"
