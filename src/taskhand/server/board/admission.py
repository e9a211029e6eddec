"""Who may call through the board's site: whoever brings the token of its address first."""

import hmac
from secrets import token_urlsafe

__all__ = ["Admission"]

_BYTES = 32


class Admission:
    """A token that admits once, and the session that whoever brought it calls with."""

    def __init__(self) -> None:
        self._token: str | None = token_urlsafe(_BYTES)
        self._session: str | None = None

    def __repr__(self) -> str:
        return "Admission(***)"

    @property
    def token(self) -> str | None:
        """The token of the address; None once it was used."""
        return self._token

    def admit(self, token: str) -> str | None:
        """The session of whoever brings the token; None for another token, and for this one the second time."""
        if self._token is None or not _are_equal(token, self._token):
            return None
        self._token, self._session = None, token_urlsafe(_BYTES)
        return self._session

    def is_admitted(self, session: str) -> bool:
        """Whether it is the session of whoever brought the token."""
        return self._session is not None and _are_equal(session, self._session)


def _are_equal(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), known.encode())
