"""The token and the session of the board's site: only the first browser that sends the token may call."""

import hmac
from secrets import token_urlsafe

__all__ = ["Admission"]

_BYTES = 32


class Admission:
    """A token that admits one browser, and the session of that browser."""

    def __init__(self) -> None:
        self._token: str | None = token_urlsafe(_BYTES)
        self._session: str | None = None

    def __repr__(self) -> str:
        return "Admission(***)"

    @property
    def token(self) -> str | None:
        """The token in the site's URL; None once it was used."""
        return self._token

    def admit(self, token: str) -> str | None:
        """Use the token and return the session for its browser; None for a wrong or used token."""
        if self._token is None or not _are_equal(token, self._token):
            return None
        self._token, self._session = None, token_urlsafe(_BYTES)
        return self._session

    def is_admitted(self, session: str) -> bool:
        """Whether this is the session of the admitted browser."""
        return self._session is not None and _are_equal(session, self._session)


def _are_equal(text: str, secret: str) -> bool:
    return hmac.compare_digest(text.encode("utf-8", "surrogatepass"), secret.encode())
