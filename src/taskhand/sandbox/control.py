"""The sandbox's own routes under `/_sandbox`, which need no key and are not logged."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from taskhand.sandbox.faults import parse_faults
from taskhand.sandbox.webhook_post import post_webhook

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from taskhand.sandbox.emulator import Emulator

    Control = Callable[[Emulator, Request], Awaitable[Response]]

DONE = 204


def control_routes(emulator: Emulator) -> list[Route]:
    """Return the routes that read and control this emulator."""
    table: list[tuple[str, str, Control]] = [
        ("GET", "/_sandbox/requests", _list_requests),
        ("DELETE", "/_sandbox/requests", _clear_requests),
        ("GET", "/_sandbox/state", _show_state),
        ("PUT", "/_sandbox/faults", _set_faults),
        ("PUT", "/_sandbox/variant", _set_spec_variant),
        ("PUT", "/_sandbox/reading", _set_spec_variant),  # the older name
        ("POST", "/_sandbox/reset", _reset),
        ("GET", "/_sandbox/deliveries", _list_deliveries),
        ("POST", "/_sandbox/deliveries", _deliver),
        ("GET", "/_sandbox/grants", _list_grants),
        ("POST", "/_sandbox/grants", _sign_in),
        ("DELETE", "/_sandbox/grants", _end_grants),
    ]
    return [Route(path, partial(control, emulator), methods=[method]) for method, path, control in table]


async def _list_requests(emulator: Emulator, _: Request) -> Response:
    return _json([asdict(entry) for entry in emulator.requests])


async def _clear_requests(emulator: Emulator, _: Request) -> Response:
    emulator.clear_requests()
    return Response(status_code=DONE)


async def _show_state(emulator: Emulator, _: Request) -> Response:
    return _json(emulator.state())


async def _set_faults(emulator: Emulator, request: Request) -> Response:
    try:
        emulator.faults = parse_faults(await request.json())
    except (TypeError, ValueError) as error:
        return _refuse(str(error))
    return _json([asdict(fault) for fault in emulator.faults])


async def _set_spec_variant(emulator: Emulator, request: Request) -> Response:
    try:
        switches = await request.json()
        if not isinstance(switches, dict):
            return _refuse("expected an object of switches")
        emulator.set_spec_variant(f"{name}={value}" for name, value in switches.items())
    except ValueError as error:
        return _refuse(str(error))
    return _json(asdict(emulator.spec_variant))


async def _reset(emulator: Emulator, _: Request) -> Response:
    emulator.reset()
    return Response(status_code=DONE)


async def _list_deliveries(emulator: Emulator, _: Request) -> Response:
    """List the webhooks that were sent, oldest first."""
    return _json([asdict(entry) for entry in emulator.sender.log])


async def _deliver(emulator: Emulator, _: Request) -> Response:
    """Send the webhooks that are due now; answer with the result of each request."""
    before = len(emulator.sender.log)
    await emulator.deliver(post_webhook)
    return _json([asdict(entry) for entry in emulator.sender.log[before:]])


async def _list_grants(emulator: Emulator, _: Request) -> Response:
    """List the grants: user, app, scopes and state, without codes and tokens."""
    server = emulator.authorization
    return _json(
        [
            {
                "user": grant.user.id,
                "client_id": grant.client_id,
                "scopes": grant.scopes,
                "state": "ended" if grant.is_ended else "open",
            }
            for grant in (server.grants if server else ())
        ]
    )


async def _sign_in(emulator: Emulator, request: Request) -> Response:
    """Issue tokens for a `user` without a page."""
    try:
        sent = await request.json()
        if emulator.authorization is None or not isinstance(sent, dict):
            return _refuse("expected an object with a user of a CRM that has OAuth")
        return _json(emulator.authorization.sign_in(str(sent.get("user")), emulator.now()))
    except ValueError as error:
        return _refuse(str(error))


async def _end_grants(emulator: Emulator, request: Request) -> Response:
    """End the grants of a `user`, or all, as if the app were disconnected in the CRM; or only their access tokens."""
    tokens = request.query_params.get("tokens", "all")
    if tokens not in {"all", "access"}:
        return _refuse("tokens must be all or access")
    if emulator.authorization is not None:
        grants = emulator.authorization.grants
        (grants.end if tokens == "all" else grants.end_access)(request.query_params.get("user"))
    return Response(status_code=DONE)


def _refuse(message: str) -> Response:
    return _json({"message": message}, status=400)


def _json(value: object, status: int = 200) -> Response:
    """Answer in ASCII, which can carry any logged text, lone surrogates included."""
    return Response(json.dumps(value), status, media_type="application/json")
