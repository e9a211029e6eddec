"""Where an issuer may send this server: nothing that its metadata or a redirect names leads into our own network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from issuers import issuing
from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.http.issuer_documents import JsonDocuments
from taskhand.tokens.introspection import Introspection
from taskhand.tokens.issuer_keys import IssuerKeys
from taskhand.tokens.issuer_metadata import check_issuer, read_metadata
from taskhand.tokens.token_claims import TokenRules

OUTSIDE, INSIDE = "https://login.x.test/one", "https://10.1.2.3/realms/one"
GOOD = [
    (OUTSIDE, "https://login.x.test/keys"),
    (OUTSIDE, "https://keys.y.test:8443/keys?v=2"),
    (OUTSIDE, "https://8.8.8.8/keys"),
    (INSIDE, "https://10.1.2.4/keys"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8081/keys"),
]
BAD = [
    *("http://login.x.test/keys", "http://127.0.0.1/keys", "ftp://login.x.test/keys", "file:///etc/passwd", "//x/keys"),
    *("https://169.254.169.254/latest/meta-data", "https://127.0.0.1:6379/", "https://10.0.0.1/", "https://[::1]/"),
    *("https://192.168.1.1/", "https://172.16.0.1/", "https://[fd00::1]/", "https://[fe80::1]/", "https://0.0.0.0/"),
    *("https://[::ffff:169.254.169.254]/", "https://100.64.0.1/", "https://localhost/", "https://a.localhost./"),
    *("https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://0x7f.1/"),
    *("https://127.0.0.1./", "https://login.x.test@127.0.0.1/", "https://login.x.test\\@127.0.0.1/", "https:///keys"),
    *("https://login.x.test/keys\r\nHost: y", "https://login.x.test/k#127.0.0.1", "https://l\u043egin.x.test/", " "),
    *("https://login.x.test:99999/", "https://[::1/", 7, None, ["https://login.x.test/keys"]),
]


@pytest.mark.parametrize(("issuer", "address"), GOOD)
def test_an_issuer_names_where_its_keys_are(issuer: str, address: str) -> None:
    document = {"issuer": issuer, "jwks_uri": address, "introspection_endpoint": address}
    found = read_metadata(issuer, document)
    assert (found.keys, found.introspection) == (address, address)


@pytest.mark.parametrize("address", BAD, ids=repr)
def test_no_address_inside_and_none_that_readers_disagree_on_is_asked(address: Any) -> None:
    good = {"issuer": OUTSIDE, "jwks_uri": "https://login.x.test/keys"}
    named = ("introspection_endpoint", "authorization_endpoint", "token_endpoint")
    assert read_metadata(OUTSIDE, good | dict.fromkeys(named, address)) == read_metadata(OUTSIDE, good)
    with pytest.raises(OperatorError, match="no allowed address of its keys"):
        read_metadata(OUTSIDE, good | {"jwks_uri": address})


def test_an_issuer_inside_names_no_address_without_tls() -> None:
    with pytest.raises(OperatorError, match="no allowed address of its keys"):
        read_metadata(INSIDE, {"issuer": INSIDE, "jwks_uri": "http://127.0.0.1/keys"})


@pytest.mark.parametrize("address", ["https://127.1/", "https://0x7f000001/x", "http://login.x.test", "https://a b/"])
def test_an_odd_address_of_an_issuer_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(OperatorError, match="is not an https address") as refused:
        check_issuer(address)
    assert refused.value.next_step == "Write it like https://login.example.com, without a query."


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Introspection]:
    documents = JsonDocuments()
    yield Introspection(IssuerKeys(url, documents.get), ("taskhand", "a/secret"), documents.post_form)
    await documents.aclose()


@pytest.mark.parametrize("moved", ["/.well-known/oauth-authorization-server", "/keys", "/introspect"])
async def test_a_redirect_of_an_issuer_is_not_followed(moved: str) -> None:
    with issuing() as inside, issuing() as issuer:
        issuer.moved = {moved: f"{inside.url}/keys"}
        async with asking(issuer.url) as asker:
            with pytest.raises(TaskhandError, match="redirect"):
                await asker.find_holder("opaque", TokenRules(), "https://tasks.x.test/mcp")
        assert moved in issuer.asked
        assert inside.asked == []
