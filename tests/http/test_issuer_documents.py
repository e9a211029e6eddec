"""Documents of token issuers: each request goes to its host as it is, with the credential of its form alone."""

from __future__ import annotations

import json
from base64 import b64decode
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.http.issuer_documents import JsonDocuments

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from http.conftest import Server

    from taskhand.http.upstream import Runtime

pytestmark = pytest.mark.anyio

FORM = {"token": "a b&c"}


@asynccontextmanager
async def reading(runtime: Runtime) -> AsyncGenerator[JsonDocuments]:
    """Documents that are closed with the test."""
    documents = JsonDocuments(runtime)
    yield documents
    await documents.aclose()


async def test_a_document_is_read_at_its_whole_address_and_without_a_credential(
    server: Server, runtime: Runtime
) -> None:
    async with reading(runtime) as documents:
        await documents.post_form(f"{server.url}/token", FORM, "desk", "secret")
        server.steps = [server.answer(200, b'{"keys": []}')]
        assert await documents.get(f"{server.url}/a%2Fb/keys?tenant=x&v=2") == {"keys": []}
    assert server.received[-1].line == "GET /a%2Fb/keys?tenant=x&v=2 HTTP/1.1"
    assert "authorization" not in server.received[-1].headers


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b"", b"<html>"])
async def test_a_document_that_is_no_object_is_an_error(server: Server, runtime: Runtime, body: bytes) -> None:
    server.steps = [server.answer(200, body)]
    async with reading(runtime) as documents:
        with pytest.raises(TaskhandError):
            await documents.get(f"{server.url}/keys")
        with pytest.raises(TaskhandError):
            await documents.post_form(f"{server.url}/introspect", FORM, "desk", "secret")


async def test_each_client_sends_its_own_credential_over_a_connection_that_stays_open(
    server: Server, runtime: Runtime
) -> None:
    async with reading(runtime) as documents:
        for client, secret in (("desk", "a:b/c"), ("desk", "a:b/c"), ("board", "other")):
            assert await documents.post_form(f"{server.url}/token", FORM, client, secret) == {}
    credentials = [one.headers["authorization"].removeprefix("Basic ") for one in server.received]
    assert [b64decode(one) for one in credentials] == [b"desk:a%3Ab%2Fc"] * 2 + [b"board:other"]
    assert {one.body for one in server.received} == {b"token=a+b%26c"}
    assert server.connections == 2


@pytest.mark.parametrize("status", [500, 503])
async def test_a_form_is_sent_again_after_an_outage_and_a_code_is_not(
    server: Server, runtime: Runtime, status: int
) -> None:
    server.steps = [server.answer(status), server.answer(200, b'{"active": true}')]
    async with reading(runtime) as documents:
        assert await documents.post_form(f"{server.url}/introspect", FORM, "desk", "secret") == {"active": True}
        server.steps = [server.answer(status), server.answer(200, json.dumps({"id_token": "x"}).encode())]
        with pytest.raises(TaskhandError):
            await documents.post_code(f"{server.url}/token", {"code": "c"}, "desk", "secret")
    assert [one.line.split()[1] for one in server.received] == ["/introspect", "/introspect", "/token"]


@pytest.mark.parametrize("path", ["/a b", "/é", "/a\nb"])
async def test_an_address_with_characters_of_no_address_is_refused_before_sending(
    server: Server, runtime: Runtime, path: str
) -> None:
    async with reading(runtime) as documents:
        with pytest.raises(OperatorError, match="invalid characters"):
            await documents.get(f"{server.url}{path}")
    assert server.received == []
