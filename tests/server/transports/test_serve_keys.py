"""`taskhand serve --http --auth keys` and `taskhand keys`, as processes that share a file of keys."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.transports.server_process import HELLO, META, Web, output, run, serving
from time_limits import BOUND_S

HELLO_BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}).encode()
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "keys.sqlite")


@pytest.fixture
def servers(store_file: Path, file: str) -> Iterator[list[Web]]:
    """Two servers that share a store and a file of keys, which has none yet."""
    debug = {"TASKHAND_LOG_LEVEL": "DEBUG", "TASKHAND_LIBRARY_LOG_LEVEL": "DEBUG"}
    with ExitStack() as stack:
        start = (serving(store_file, "--auth", "keys", TASKHAND_KEYS=file, **debug) for _ in range(2))
        yield [stack.enter_context(one) for one in start]


def status(web: Web, key: str) -> int:
    """How a server answers the holder of a key."""
    named = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/list"}
    return web.post(json.dumps(LIST).encode(), **named, Authorization=f"Bearer {key}")[0]


def test_a_key_is_good_at_every_server_from_its_creation_to_its_revocation(
    servers: list[Web], store_file: Path, file: str
) -> None:
    assert [status(web, "thk_none") for web in servers] == [401, 401]
    key = output(store_file, "keys", "create", "--person", "ana@x.test", TASKHAND_KEYS=file).strip()
    assert [status(web, key) for web in servers] == [200, 200]
    [row] = json.loads(output(store_file, "keys", "list", "--json", TASKHAND_KEYS=file))
    output(store_file, "keys", "revoke", row["id"], TASKHAND_KEYS=file)
    assert [status(web, key) for web in servers] == [401, 401]
    for web in servers:
        web.process.send_signal(signal.SIGTERM)
        web.process.ends_within(BOUND_S)
        lines = web.process.err.all()
        told = "Callers are asked for a key, and there is none yet. Make one with `taskhand keys create "
        assert [line for line in lines if line.startswith(told)]
        assert not [line for line in lines if key.rpartition("_")[2] in line]
        assert web.process.out.all() == []


def test_other_machines_are_served_where_callers_are_asked(store_file: Path, file: str) -> None:
    output(store_file, "keys", "create", "--person", "ana", TASKHAND_KEYS=file)
    with serving(store_file, "--auth", "keys", "--host", "0.0.0.0", TASKHAND_KEYS=file) as web:  # noqa: S104  callers are asked
        assert web.post(HELLO_BODY)[0] == 401
        assert web.process.err.next() == "Callers are asked for a key. Active keys: 1.\n"


def test_a_broken_configuration_admits_no_caller(store_file: Path, file: str) -> None:
    broken = {"TASKHAND_KEYS": file, "TASKHAND_PLAN_OVER": "many"}
    with serving(store_file, "--auth", "keys", **broken) as web:
        assert web.get("/health")[0] == 200
        assert web.get("/ready")[0] == 503
        assert web.post(HELLO_BODY)[0] == 401
        assert web.post(HELLO_BODY, Authorization="Bearer x")[0] == 503
        assert "until the configuration is corrected" in str(web.process.err.next())
    no_credential = {"TASKHAND_KEYS": file, "TASKHAND_BACKEND": "vambe"}
    key = output(store_file, "keys", "create", "--person", "ana", TASKHAND_KEYS=file).strip()
    with serving(store_file, "--auth", "keys", **no_credential) as web:
        assert web.post(HELLO_BODY)[0] == 401
        status, answer = web.post(HELLO_BODY, Authorization=f"Bearer {key}")
        assert status == 200
        assert b"VAMBE_API_KEY" in answer


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--auth", "keys"], "--auth needs --http"),
        (["--http", "--auth", "none"], "is not"),
        (["--http", "--port", "0", "--auth", "keys", "--allow-host", "a b"], "is not the name of a host"),
    ],
)
def test_wrong_options_are_refused(store_file: Path, arguments: list[str], sentence: str) -> None:
    done = run(store_file, "serve", *arguments)
    assert done.returncode != 0
    assert sentence in done.stderr


def test_a_file_of_keys_that_no_process_could_share_is_refused(store_file: Path) -> None:
    done = run(store_file, "serve", "--http", "--port", "0", "--auth", "keys", TASKHAND_KEYS=":memory:")
    assert done.returncode == 1
    assert done.stderr.startswith("taskhand: TASKHAND_KEYS ':memory:' is not a file")
