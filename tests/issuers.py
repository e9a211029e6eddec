"""An issuer of tokens of the tests' own: a real authorization server with keys, rotation, outage and a person."""

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

__all__ = ["Issuer", "Key", "issuing", "make_key", "pack"]

_ALGORITHMS = get_default_algorithms()


@dataclass(frozen=True)
class Key:
    """A key pair, and the algorithm that it signs with."""

    id: str
    algorithm: str
    private: Any

    @property
    def public(self) -> dict[str, Any]:
        """The key as an issuer publishes it."""
        found: dict[str, Any] = _ALGORITHMS[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        return found | {"kid": self.id, "alg": self.algorithm, "use": "sig"}


@cache
def make_key(name: str, algorithm: str = "RS256") -> Key:
    """The key of that name, the same in every test: making one takes long."""
    if algorithm.startswith(("RS", "PS")):
        return Key(name, algorithm, rsa.generate_private_key(65537, 2048))
    if algorithm == "EdDSA":
        return Key(name, algorithm, ed25519.Ed25519PrivateKey.generate())
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    return Key(name, algorithm, ec.generate_private_key(curves[algorithm]))


def pack(content: bytes | dict[str, Any]) -> str:
    """A part of a token."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Issuer:
    """Signs tokens for anybody, and whatever is asked.

    `down` is whether it fails, `asked` what it was asked for, with which `headers`. `opaque` are the answers about
    tokens by their text, `moved` the addresses of places that are elsewhere, by their path, and `replies` the bodies of
    odd ones. `signed_in` changes the claims of ID tokens, and `given` what it gives for a code.
    """

    url: str = ""
    keys: list[Key] = field(default_factory=lambda: [make_key("first")])
    down: bool = False
    asked: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    opaque: dict[str, dict[str, Any]] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "ana"})
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    headers: list[str] = field(default_factory=list)
    signed_in: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    replies: dict[str, Any] = field(default_factory=dict)

    def claims(self, resource: str, **changed: Any) -> dict[str, Any]:
        """The claims of a good token, with these changed and those that are None left out."""
        now = int(time())
        good = {"iss": self.url, "aud": resource, "exp": now + 300, "iat": now, "client_id": "desk", "sub": "ana"}
        good |= {"scope": "tasks:read tasks:write"}
        return {name: value for name, value in (good | changed).items() if value is not None}

    def token(self, resource: str, *, key: Key | None = None, header: Any = None, **changed: Any) -> str:
        """A token with these claims, signed with the newest key, or with another."""
        key = key or self.keys[-1]
        headers = {"kid": key.id, "typ": "at+jwt"} | (header or {})
        return jwt.encode(self.claims(resource, **changed), key.private, key.algorithm, headers)

    def answer(self, method: str, path: str, form: dict[str, str], credential: str) -> tuple[int, Any]:
        """The status and the body of an answer, or the address of a redirect."""
        url_path = urlsplit(path).path
        self.asked.append(url_path)
        if self.down:
            return 503, {}
        if url_path in self.moved:
            return 307, self.moved[url_path]
        if url_path in self.replies:
            return 200, self.replies[url_path]
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        match method, url_path:
            case "GET", "/.well-known/oauth-authorization-server":
                return 200, self._metadata() | self.metadata
            case "GET", "/keys":
                return 200, {"keys": [key.public for key in self.keys]}
            case "GET", "/authorize":
                code = f"code-{len(self.codes)}"
                self.codes[code] = query
                back = {"code": code, "state": query["state"], "iss": self.url}
                return 302, f"{query['redirect_uri']}?{urlencode(back)}"
            case "POST", "/token":
                return self._redeem(form, credential)
            case "POST", "/register":
                return 201, {"client_id": "desk", "token_endpoint_auth_method": "none", **json.loads(form["json"])}
            case "POST", "/introspect":
                is_known = credential == "Basic dGFza2hhbmQ6YSUyRnNlY3JldA=="  # taskhand:a/secret, encoded as a form
                return (200, self.opaque.get(form["token"], {"active": False})) if is_known else (401, {})
        return 404, {}

    def _metadata(self) -> dict[str, Any]:
        endpoints = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "registration_endpoint": "register",
        }
        endpoints |= {"jwks_uri": "keys", "introspection_endpoint": "introspect"}
        return {
            "issuer": self.url,
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
        } | {name: f"{self.url}/{url_path}" for name, url_path in endpoints.items()}

    def _redeem(self, form: dict[str, str], credential: str) -> tuple[int, Any]:
        """The token for a code, which is good once and for whoever has its verifier; to a known client an ID token."""
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = sha256(form.get("code_verifier", "").encode()).digest()
        if asked is None or pack(verifier) != asked["code_challenge"] or form["resource"] != asked["resource"]:
            return 400, {"error": "invalid_grant"}
        scope = asked.get("scope", "")
        token = self.token(asked["resource"], scope=scope, **self.person)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": scope}
        if "openid" in scope.split():
            if credential != "Basic cGFnZTphJTJGc2VjcmV0" or form["redirect_uri"] != asked["redirect_uri"]:
                return 401, {"error": "invalid_client"}  # page:a/secret, encoded as a form
            answer["id_token"] = self.id_token("page", nonce=asked["nonce"])
        return 200, {name: value for name, value in (answer | self.given).items() if value is not None}

    def id_token(self, client: str, **claims: Any) -> str:
        """An ID token for a client, with the claims that a test has changed."""
        changed = {"client_id": None, "scope": None, "sub": self.person["sub"]} | claims | self.signed_in
        return self.token(client, header={"typ": "JWT"} | changed.pop("header", {}), **changed)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that leaves is nothing to tell."""


@contextmanager
def issuing(**given: Any) -> Iterator[Issuer]:
    """An issuer that answers at its address."""
    issuer = Issuer(**given)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits some 40 ms for an acknowledgement

        def do_GET(self) -> None:
            self._answer("GET", {})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            is_json = self.headers["content-type"].startswith("application/json")
            form = {"json": text} if is_json else {name: values[0] for name, values in parse_qs(text).items()}
            self._answer("POST", form)

        def _answer(self, method: str, form: dict[str, str]) -> None:
            issuer.headers.append(str(self.headers))
            status, found = issuer.answer(method, self.path, form, self.headers.get("authorization", ""))
            body = b"" if isinstance(found, str) else json.dumps(found).encode()
            self.send_response(status)
            if isinstance(found, str):
                self.send_header("location", found)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing is logged."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
