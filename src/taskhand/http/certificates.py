"""The trusted certificate authorities, and the reasons why a certificate was not accepted."""

import os
from typing import TYPE_CHECKING, Final

from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    import ssl

__all__ = ["explain_distrust", "remedy_for_distrust", "trust_environment"]

_FILE, _FOLDERS = "SSL_CERT_FILE", "SSL_CERT_DIR"
_OF_OTHER_PROGRAMS: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")

# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_HOST_MISMATCH: Final = frozenset({62, 64})
_REASONS: Final = (
    {9: "it is not valid yet", 10: "it has expired", 18: "it is self-signed", 19: "its authority is not known here"}
    | dict.fromkeys((2, 20, 21), "its authority is not known here")
    | dict.fromkeys(_HOST_MISMATCH, "it is for another host")
)
_DATES: Final = frozenset({9, 10})


def trust_environment(context: "ssl.SSLContext") -> None:
    """Add the authorities that SSL_CERT_FILE and SSL_CERT_DIR name to a context that trusts the system's.

    OpenSSL reads these variables as replacements: it would trust only a company's authority, and refuse direct
    connections to a CRM. OperatorError names the variable whose certificates cannot be read.
    """
    if file := os.environ.get(_FILE):
        _add(context, _FILE, file)
    for folder in filter(None, os.environ.get(_FOLDERS, "").split(os.pathsep)):
        _add(context, _FOLDERS, folder)


def _add(context: "ssl.SSLContext", variable: str, path: str) -> None:
    where = os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111  a Path refuses the home of an unknown user
    try:
        if variable == _FILE:
            context.load_verify_locations(cafile=where)
        else:
            os.listdir(where)  # noqa: PTH208  OpenSSL takes any name, and reads the folder later
            context.load_verify_locations(capath=where)
    except (OSError, ValueError):
        raise OperatorError(
            f"The certificates that {variable} names cannot be read.",
            next_step=f"The operator of Taskhand should correct or unset {variable}: the system's are trusted anyway.",
        ) from None


def explain_distrust(code: int | None) -> str:
    """The reason of a refused certificate, by OpenSSL's verify code; OpenSSL's own texts quote the certificate."""
    return _REASONS.get(code or 0, "it is not valid here")


def remedy_for_distrust(code: int | None, variable: str) -> str:
    """The remedy, which names the certificate variables that are set; `variable` is that of the base URL."""
    if code in _HOST_MISMATCH | _DATES:
        checked = variable if code in _HOST_MISMATCH else "this machine's clock"
        return f"The operator of Taskhand should check {checked}, and whether a proxy or a login page answers there."
    if given := [name for name in (_FILE, _FOLDERS) if os.environ.get(name)]:
        return (
            f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} trusted besides the system's authorities, and "
            "lacks this one: the operator of Taskhand should add it there."
        )
    others = [name for name in _OF_OTHER_PROGRAMS if os.environ.get(name)]
    remedy = (
        "The operator of Taskhand should add the certificate authority to the system, or set SSL_CERT_FILE to its file."
    )
    return f"{remedy} Taskhand does not read {', '.join(others)}." if others else remedy
