"""Reads JSON documents of token issuers, whose addresses are not a CRM's API."""

from base64 import b64encode
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from taskhand.domain.errors import OperatorError
from taskhand.http.client import Client
from taskhand.http.request import Request
from taskhand.http.retry import RequestKind, RetryPolicy
from taskhand.http.upstream import Limits, Runtime, Upstream
from taskhand.http.url_path import Path

__all__ = ["JsonDocuments"]

_LIMITS: Final = Limits(connect_s=3.0, read_s=5.0, total_s=8.0, body_bytes=1024 * 1024)
"""Short limits, because a caller waits."""
_POLICY: Final = RetryPolicy(attempts=2, cap_s=0.5, retry_after_cap_s=1.0)


class JsonDocuments:
    """Reads documents and posts forms; each host has its own connections, which stay open until `aclose`."""

    def __init__(self, runtime: Runtime | None = None, *, setting: str = "TASKHAND_INTROSPECTION_SECRET") -> None:
        """`setting` names the setting with the secret of the client that posts."""
        self._runtime = replace(runtime or Runtime(), limits=_LIMITS)
        self._setting = setting
        self._clients: dict[tuple[str, str], Client] = {}
        self._stack = AsyncExitStack()

    async def get(self, address: str) -> Mapping[str, Any]:
        """The JSON object at an address. TaskhandError without one."""
        client = await self._client_of(address)
        return (await client.get(_path_of(address, "document"), expect="object")).object

    async def post_form(self, address: str, form: Mapping[str, str], client_id: str, secret: str) -> Mapping[str, Any]:
        """The JSON object in the response to a form of this client (RFC 6749 §2.3.1). TaskhandError for others.

        The form only reads, so it may be sent twice.
        """
        return await self._post(address, form, (client_id, secret), RequestKind.READ)

    async def post_code(self, address: str, form: Mapping[str, str], client_id: str, secret: str) -> Mapping[str, Any]:
        """As `post_form`, for a form with a code that is valid once: it is not sent twice."""
        return await self._post(address, form, (client_id, secret), RequestKind.POST)

    async def _post(
        self, address: str, form: Mapping[str, str], credential: tuple[str, str], kind: RequestKind
    ) -> Mapping[str, Any]:
        named = ":".join(map(quote_plus, credential)).encode()
        client = await self._client_of(address, f"Basic {b64encode(named).decode()}")
        return (await client.send(Request.of_form(_path_of(address, "form"), form, kind))).object

    async def aclose(self) -> None:
        """Close all connections."""
        self._clients.clear()
        await self._stack.aclose()

    async def _client_of(self, address: str, credential: str = "") -> Client:
        """The client for the host of an address and a credential."""
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
        if (client := self._clients.get((origin, credential))) is None:
            upstream = Upstream(
                name=parts.hostname or origin,
                base_url=origin,
                auth={"authorization": credential} if credential else {},
                credential_name=self._setting,
                base_url_name="TASKHAND_ISSUERS",
            )
            made = Client(upstream, policy=_POLICY, runtime=self._runtime)
            client = self._clients[(origin, credential)] = await self._stack.enter_async_context(made)
        return client


def _path_of(address: str, template: str) -> Path:
    """The path and query of an address, unchanged; only the template is logged."""
    parts = urlsplit(address)
    if not address.isascii() or not address.isprintable() or " " in address:
        raise OperatorError("An address of the issuer has invalid characters.")
    return Path(f"{parts.path}{f'?{parts.query}' if parts.query else ''}", f"/{template}")
