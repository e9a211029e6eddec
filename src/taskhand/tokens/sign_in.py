"""Signs a person in at an issuer in a browser (OpenID Connect): the redirect, and the check of the response.

The result must be comparable with the callers of this server, but some issuers use different subjects for a person in
each application (pairwise), or in ID tokens and access tokens. An access token for this server is therefore requested
too, and its subject is used, as for a caller. The ID token is used only if the issuer gives no such token.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from taskhand.domain.errors import CallerError, OperatorError, TaskhandError
from taskhand.domain.principal import Person
from taskhand.tokens.id_token import check_access_hash, read_signed_in
from taskhand.tokens.issuer_keys import IssuerKeys
from taskhand.tokens.signed_token import RefusedToken, read_signed_token
from taskhand.tokens.token_check import TokenCheck
from taskhand.tokens.token_claims import read_email

__all__ = ["PostCode", "SignIn"]

_log = logging.getLogger(__name__)

PostCode = Callable[[str, Mapping[str, str], str, str], Awaitable[Mapping[str, Any]]]
"""Posts a form once to an address with this client id and secret, and returns the JSON object of the answer.

CallerError if the form is refused, another TaskhandError without a response.
"""
_MAX_CODE: Final = 4_096


class SignIn:
    """Signs in at one issuer, as a `client` with an id and a secret, for the server at this address.

    `now` is POSIX time.
    """

    def __init__(
        self,
        keys: IssuerKeys,
        client: tuple[str, str],
        post: PostCode,
        check: TokenCheck,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._keys, self._client, self._post, self._check, self._now = keys, client, post, check, now

    def can_prove(self, person: str) -> bool:
        """Whether a person with this id signs in at this issuer."""
        return person.startswith(f"{self._keys.issuer}#")

    async def authorize_url(self, redirect_uri: str, resource: str, state: str, challenge: str, nonce: str) -> str:
        """The URL of the issuer's sign-in page; `challenge` is the S256 hash of the code verifier.

        `resource` is the address of this server for its callers. OperatorError if the issuer cannot be reached.
        """
        address = (await self._keys.metadata()).authorization
        if address is None:
            raise OperatorError(f"The issuer {self._keys.issuer} has no page to sign in (authorization_endpoint).")
        asked = {
            "response_type": "code",
            "client_id": self._client[0],
            "redirect_uri": redirect_uri,
            "scope": f"openid {self._check.rules.full_scope('read')}",
            "resource": resource,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    async def find_person(
        self, answer: Mapping[str, str], redirect_uri: str, resource: str, verifier: str, nonce: str
    ) -> Person | None:
        """The person who signed in; None if the issuer's `answer` to the browser does not prove it.

        The caller must have checked the `state` of the answer. TaskhandError if the issuer cannot be reached.
        """
        try:
            code = await self._read_code(answer)
            tokens = await self._redeem(code, redirect_uri, resource, verifier)
            return await self._read_person(tokens, resource, nonce)
        except RefusedToken as refused:
            _log.warning("A sign-in at %s was refused: %s.", self._keys.issuer, refused.reason)
            return None

    async def _read_code(self, answer: Mapping[str, str]) -> str:
        """Read the code from an answer; RefusedToken if it has none, or may come from another issuer."""
        issuer, named = self._keys.issuer, answer.get("iss")
        if named != issuer and (named is not None or (await self._keys.metadata()).names_itself):
            raise RefusedToken("its answer is not the issuer's (iss)")
        code = answer.get("code", "")
        if "error" in answer or not code or len(code) > _MAX_CODE:
            raise RefusedToken("the issuer gave no code")
        return code

    async def _redeem(self, code: str, redirect_uri: str, resource: str, verifier: str) -> Mapping[str, Any]:
        """Exchange a code for the issuer's tokens; a code is valid once."""
        address = (await self._keys.metadata()).token
        if address is None:
            raise OperatorError(f"The issuer {self._keys.issuer} has no address for codes (token_endpoint).")
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        try:
            return await self._post(address, form | {"code_verifier": verifier, "resource": resource}, *self._client)
        except CallerError:
            raise RefusedToken("the issuer did not accept the code") from None
        except TaskhandError as error:
            message = f"The issuer {self._keys.issuer} could not be reached to check a sign-in: {error.message}"
            raise OperatorError(message, next_step=error.next_step) from None

    async def _read_person(self, tokens: Mapping[str, Any], resource: str, nonce: str) -> Person:
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise RefusedToken("the issuer gave no ID token")
        token = read_signed_token(id_token)
        if not await self._keys.has_signed(token):
            raise RefusedToken("no key of the issuer has signed the ID token")
        issuer, client_id = self._keys.issuer, self._client[0]
        person = read_signed_in(token, issuer, client_id=client_id, nonce=nonce, now=self._now())
        email = read_email(token.claims, is_vouched=issuer in self._check.rules.verified_emails)
        if not isinstance(access_token, str):
            return Person(person, email)
        check_access_hash(token, access_token)
        holder = await self._check.find_holder(access_token, resource)
        if holder is None or holder.issuer != issuer:
            return Person(person, email)
        return Person(holder.person, holder.email or email)
