"""Error bodies: wrong paths, methods, credentials and request bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.close.served_sandbox import DRAFT, TASK, open_served_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOT_FOUND = {"error": "The requested URL was not found on the server."}
TOKEN = "Bearer close-sandbox-token"  # noqa: S105  # it opens nothing but the sandbox


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic !!", "Basic eDp4", "Bearer wrong", "Digest x"])
async def test_a_wrong_credential_is_unauthorized(authorization: str) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.get("me/", headers={"authorization": authorization}, auth=None)
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


async def test_the_key_has_an_empty_password() -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get("me/", auth=(served.sandbox.key, "x"))).status_code == 401


async def test_accepts_a_token_instead_of_the_key() -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get("me/", headers={"authorization": TOKEN}, auth=None)).status_code == 200


async def test_credentials_are_not_in_the_log() -> None:
    async with open_served_sandbox() as served:
        await served.client.get("me/")
        assert served.sandbox.requests[0].headers["authorization"] == "***"


@pytest.mark.parametrize("path", ["nothing/", "task", "me", "task/x/y/"])
async def test_an_unknown_path_is_not_found_even_without_a_credential(path: str) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.get(path, auth=None)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "task/"), ("POST", "me/"), ("PATCH", f"task/{TASK}/")])
async def test_another_method_is_not_allowed(method: str, path: str) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.request(method, path)
        assert (answer.status_code, list(answer.json())) == (405, ["error"])


@pytest.mark.parametrize(
    ("path", "name"),
    [("task", "Task"), ("lead", "Lead"), ("contact", "Contact"), ("user", "User"), ("organization", "Organization")],
)
async def test_an_unknown_object_is_a_404_about_an_empty_query(path: str, name: str) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.get(f"{path}/x/")
        error = f"Empty query: {name} matching query does not exist."
        assert (answer.status_code, answer.json()) == (404, {"error": error})


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        (b"{", "application/json", "The request contains invalid JSON."),
        (b"", "application/json", "The request contains invalid JSON."),
        (b'{"a": NaN}', "application/json", "The request contains invalid JSON."),
        (b"[]", "application/json; charset=utf-8", "JSON data must be a dict."),
        (b'{"_params": []}', "application/json", "JSON data must be a dict."),
        (b"text=x", "text/plain", "Please send valid JSON with a 'Content-Type: application/json' header."),
    ],
)
async def test_a_malformed_body_is_refused_as_one_error(body: bytes, kind: str, error: str) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.put(f"task/{TASK}/", content=body, headers={"content-type": kind})
        assert (answer.status_code, answer.json()) == (400, {"error": error})


async def test_a_body_in_chunks_is_refused() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"{}"

    async with open_served_sandbox() as served:
        headers = {"content-type": "application/json"}
        answer = await served.client.put(f"task/{TASK}/", content=chunks(), headers=headers)
        assert answer.json() == {"error": "Chunked Transfer-Encoding is not supported."}


async def test_only_a_post_can_override_its_method() -> None:
    async with open_served_sandbox() as served:
        headers = {"x-http-method-override": "DELETE"}
        assert (await served.client.get(f"task/{TASK}/", headers=headers)).status_code == 200
        odd = await served.client.post("task/", json=DRAFT, headers={"x-http-method-override": "BREW"})
        assert odd.json()["text"] == "Call back"
