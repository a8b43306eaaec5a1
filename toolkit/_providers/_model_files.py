"""What tells one model file from another."""

import hashlib
from pathlib import Path


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity(path: Path) -> str:
    """Name and beginning of the digest: what a manifest keeps, since a name alone survives a change of content."""
    return f"{path.name} sha256:{sha256(path)[:12]}"
