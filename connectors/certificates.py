"""When X.509 certificates stop being valid."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from connectors.errors import ChangeSettings


def expiry_of(file: Path) -> float:
    """Unix time at which the first certificate of a PEM file expires. Raises ChangeSettings."""
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ChangeSettings(f"`{file}` holds no certificates in PEM: {type(error).__name__}") from None
    return min(each.not_valid_after_utc.timestamp() for each in found)


def certificate_files(setting: str) -> dict[str, Path]:
    """`name=file,name=file` as MASA_CERTIFICATES gives it. Raises ChangeSettings."""
    found: dict[str, Path] = {}
    for part in filter(None, (each.strip() for each in setting.split(","))):
        name, equals, file = part.partition("=")
        if not equals or not name or not file:
            raise ChangeSettings(f"MASA_CERTIFICATES: `{part}` is not name=file")
        found[name] = Path(file)
    return found
