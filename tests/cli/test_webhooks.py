"""`taskhand webhooks`: subscriptions at the sandboxes' own API, made once, and keys that are kept and shown nowhere."""

import json
import os
import re
import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx2
import pytest
from click.testing import CliRunner, Result

from keyrings import MemoryKeyring
from taskhand.cli.doctor_webhooks import check_webhook_verification
from taskhand.cli.main import command
from taskhand.cli.serve import WebhookOptions
from taskhand.cli.webhook_admin import KeyKeeper, current_key, with_admin
from taskhand.cli.webhook_receivers import open_webhook_receivers, public_address
from taskhand.config.effective_settings import load_configuration
from taskhand.config.settings import Settings
from taskhand.config.settings_file import parse_settings
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.close import SpecVariant as CloseVariant
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.hubspot.app_webhooks import DEVELOPER_KEY
from taskhand.sandbox.hubspot.errors import APP
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant as VambeVariant
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.webhooks.routes import Received
from taskhand.service.events.feed_poll import feed_of
from taskhand.wiring import open_connections

pytestmark = pytest.mark.anyio

BASE = "https://tasks.example.com"
HUBSPOT = {"TASKHAND_BACKEND": "hubspot", "HUBSPOT_ACCESS_TOKEN": "pat-na1-1"}
TOPICS = ("task.updated", "task.completed", "task.reassigned")
VAMBE = {"TASKHAND_BACKEND": "vambe", "VAMBE_API_KEY": "key"}


class WebhookAccounts:
    """Three sandboxes, and a configuration file with a connection to each."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.close = CloseSandbox(seed="empty")
        self.vambe = VambeSandbox(seed="empty", spec_variant=VambeVariant(topics="tasks"))
        self.hubspot = HubSpotSandbox(seed="empty")
        self.file, self.env = file, {"TASKHAND_CONFIG": str(file), "TASKHAND_PUBLIC_URL": BASE}
        monkeypatch.chdir(file.parent)

    def write(self, urls: list[str], *, hubspot: str = "") -> None:
        tables = [
            f'[connections.close]\nbackend = "close"\napi_key = "{self.close.key}"\nbase_url = "{urls[0]}/api/v1"',
            f'[connections.vambe]\nbackend = "vambe"\napi_key = "{self.vambe.key}"\nbase_url = "{urls[1]}"',
            f'[connections.hubspot]\nbackend = "hubspot"\naccess_token = "pat-na1-sandbox"\nbase_url = "{urls[2]}"',
        ]
        self.file.write_text("# mine\n" + "\n".join(tables) + f"\n{hubspot}\n")

    async def run(self, *words: str, env: dict[str, str] | None = None) -> Result:
        """Run the command in a thread, while the sandboxes serve."""
        given = self.env | (env or {})
        done = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(command, ["webhooks", *words], env=given))
        if isinstance(done.exception, CallerError):
            raise done.exception
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    def kept(self, connection: str) -> Any:
        """The key in the file."""
        return tomllib.loads(self.file.read_text())["connections"][connection].get("webhook_key")


@pytest.fixture
async def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_keyring: None) -> AsyncIterator[WebhookAccounts]:  # noqa: ARG001
    """The accounts, whose sandboxes serve."""
    made = WebhookAccounts(tmp_path / "taskhand.toml", monkeypatch)
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serve_sandbox(one)) for one in (made.close, made.vambe, made.hubspot)]
        app = f'app_id = "{APP}"\ndeveloper_key = "{DEVELOPER_KEY}"'
        made.write(urls, hubspot=app)
        yield made


async def test_a_webhook_is_made_once_and_its_key_kept_where_secrets_are(accounts: WebhookAccounts) -> None:
    made = await accounts.run("create", "--connection", "close")
    assert made.output.startswith(
        "Made: task.lead.created, task.lead.updated, task.lead.deleted, task.lead.completed, delivered to "
        f"{BASE}/webhooks/close\n"
    )
    [hook] = accounts.close._store.webhooks.values()  # noqa: SLF001  the API may not show the key
    assert accounts.kept("close") == hook.signature_key
    assert hook.verify_ssl
    *_, kept, restart = made.output.splitlines()
    assert kept.startswith(f"The key of the deliveries is kept in {accounts.file}: ")
    assert restart == "Restart the server with --webhooks: then it accepts deliveries of Close."
    assert accounts.file.stat().st_mode & 0o077 == 0
    assert accounts.file.read_text().startswith("# mine\n")
    again = await accounts.run("create", "--connection", "close")
    assert again.output.startswith("There already: ")
    assert again.output.splitlines()[1:] == [restart], "the key is there"
    assert len(accounts.close._store.webhooks) == 1  # noqa: SLF001
    listed = await accounts.run("list", "--connection", "close", "--json")
    assert [(row["id"], row["is_active"]) for row in json.loads(listed.stdout)] == [(hook.id, True)]
    for done in (made, again, listed):
        assert hook.signature_key not in done.output
    removed = (await accounts.run("remove", "--connection", "close")).output
    assert removed.startswith("Removed: ")
    assert "connections.close.webhook_key is still set" in removed
    assert accounts.close._store.webhooks == {}  # noqa: SLF001


async def test_a_keyring_keeps_the_key_and_the_file_refers_to_it(
    accounts: WebhookAccounts, kept: MemoryKeyring
) -> None:
    done = await accounts.run("create", "--connection", "vambe")
    assert accounts.kept("vambe") == "keyring:connections/vambe/webhook_key"
    secret = kept.get_password("taskhand", "connections/vambe/webhook_key")
    assert secret
    assert len(secret) > 40
    assert "is kept in the system keyring" in done.output
    assert "is kept in" not in (await accounts.run("create", "--connection", "vambe")).output
    assert kept.get_password("taskhand", "connections/vambe/webhook_key") == secret
    assert secret not in done.output
    hooks = accounts.vambe.state()["webhooks"]
    assert {hook["url"] for hook in hooks} == {f"{BASE}/webhooks/vambe/{secret}"}


async def test_a_key_whose_reference_cannot_be_written_leaves_the_former_one_in_the_keyring(
    accounts: WebhookAccounts, kept: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKHAND_CONFIG", str(accounts.file))
    [found] = load_configuration(accounts.env, {}).only("vambe").connections
    name = ("taskhand", "connections/vambe/webhook_key")
    kept.kept[name] = "former"
    keeper = KeyKeeper(found, "keyring")
    accounts.file.write_text("connections = 3\n")
    with pytest.raises(OperatorError):
        keeper.keep("newer")
    assert kept.kept[name] == "former"


@pytest.mark.parametrize("body", ["topic", "topics", "any"])
async def test_webhooks_create_reads_the_topics_of_vambe_and_sends_either_form(
    accounts: WebhookAccounts, body: Any
) -> None:
    accounts.vambe.spec_variant = VambeVariant(topics="tasks", webhook_body=body, deleted_webhooks="hidden")
    for _ in range(2):
        done = await accounts.run("create", "--connection", "vambe")
        assert f"task.updated, task.completed, task.reassigned, delivered to {BASE}/webhooks/vambe/***" in done.output
    subscribed = [hook for hook in accounts.vambe.state()["webhooks"] if not hook["is_deleted"]]
    assert sorted(topic for hook in subscribed for topic in hook["topics"]) == sorted(TOPICS)
    secret = accounts.kept("vambe")
    listed = await accounts.run("list", "--connection", "vambe")
    assert secret not in listed.output
    await accounts.run("remove", "--connection", "vambe")
    assert all(hook["is_deleted"] for hook in accounts.vambe.state()["webhooks"])


async def test_webhooks_with_a_former_secret_in_their_address_are_removed(accounts: WebhookAccounts) -> None:
    await accounts.run("create", "--connection", "vambe")
    former, secret = accounts.kept("vambe"), "n" * 40
    accounts.file.write_text(accounts.file.read_text().replace(former, secret))
    await accounts.run("create", "--connection", "vambe")
    subscribed = [hook["url"] for hook in accounts.vambe.state()["webhooks"] if not hook["is_deleted"]]
    assert subscribed == [f"{BASE}/webhooks/vambe/{secret}"] * len(TOPICS)


async def test_webhooks_create_fails_if_vambe_offers_no_task_topics(accounts: WebhookAccounts) -> None:
    accounts.vambe.spec_variant = VambeVariant(topics="new")
    done = await anyio.to_thread.run_sync(
        lambda: CliRunner().invoke(command, ["webhooks", "create", "--connection", "vambe"], env=accounts.env)
    )
    assert getattr(done.exception, "code", "") == "webhooks_unavailable"
    assert accounts.kept("vambe") is None


async def test_a_webhook_is_replaced_only_if_its_key_is_unknown(accounts: WebhookAccounts) -> None:
    accounts.close.spec_variant = CloseVariant(signature_key="hidden")
    first = (await accounts.run("create", "--connection", "close"), accounts.kept("close"))[1]
    accounts.file.write_text(accounts.file.read_text().replace(f'webhook_key = "{first}"\n', ""))
    await accounts.run("create", "--connection", "close")
    assert accounts.kept("close") not in {None, first}
    [hook], key = accounts.close._store.webhooks, accounts.kept("close")  # noqa: SLF001
    await accounts.run("create", "--connection", "close")
    assert ([*accounts.close._store.webhooks], accounts.kept("close")) == ([hook], key)  # noqa: SLF001


async def test_a_key_that_differs_from_that_of_the_webhook_is_replaced_with_it(accounts: WebhookAccounts) -> None:
    await accounts.run("create", "--connection", "close")
    [hook], key = accounts.close._store.webhooks, accounts.kept("close")  # noqa: SLF001
    accounts.file.write_text(accounts.file.read_text().replace(key, "ab" * 32))
    await accounts.run("create", "--connection", "close")
    assert ([*accounts.close._store.webhooks], accounts.kept("close")) == ([hook], key)  # noqa: SLF001


async def test_a_paused_or_narrower_webhook_is_made_to_deliver_again(accounts: WebhookAccounts) -> None:
    await accounts.run("create", "--connection", "close")
    [hook] = accounts.close._store.webhooks  # noqa: SLF001
    url = accounts.file.read_text().split('base_url = "')[1].split('"')[0]
    actions = [{"object_type": "task.lead", "action": one} for one in ("created", "updated", "deleted", "completed")]
    only_mine = {"type": "equals", "field": "data.assigned_to", "value": "user_1"}
    filtered = [*actions[:3], actions[3] | {"extra_filter": only_mine}]
    for changed in ({"status": "paused"}, {"events": actions[:1]}, {"events": filtered}):
        async with httpx2.AsyncClient(auth=(accounts.close.key, "")) as client:
            await client.put(f"{url}/webhook/{hook}/", json=changed)
        assert (await accounts.run("create", "--connection", "close")).output.startswith("Made: ")
        [row] = accounts.close._store.webhooks.values()  # noqa: SLF001
        assert (row.id, row.status, len(row.events)) == (hook, "active", 4)


@pytest.mark.parametrize("connection", ["close", "vambe"])
async def test_webhooks_of_another_address_stay(accounts: WebhookAccounts, connection: str) -> None:
    for base in (BASE, "https://other.example.com"):
        await accounts.run("create", "--connection", connection, "--public-url", base)
    listed = (await accounts.run("list", "--connection", connection)).output.splitlines()
    await accounts.run("remove", "--connection", connection)
    left = (await accounts.run("list", "--connection", connection)).output.splitlines()
    assert left == [line for line in listed if "https://other.example.com" in line] != listed
    assert len(left) * 2 == len(listed)


async def test_webhooks_create_sets_the_address_and_subscriptions_of_a_hubspot_app(accounts: WebhookAccounts) -> None:
    accounts.hubspot.hooks.subscribe("object.creation")
    made = await accounts.run("create", "--connection", "hubspot")
    assert "object.propertyChange hs_task_status" in made.output
    assert "Set connections.hubspot.webhook_key" in made.output
    assert accounts.hubspot.hooks.url == f"{BASE}/webhooks/hubspot"
    assert len(accounts.hubspot.hooks.subscriptions) == 9
    assert (await accounts.run("create", "--connection", "hubspot")).output.startswith("There already: ")
    with pytest.raises(CallerError, match="one address only") as refused:
        await accounts.run("create", "--connection", "hubspot", "--public-url", "https://other.example.com")
    assert refused.value.code == "webhook_address_taken"
    await accounts.run("create", "--connection", "hubspot", "--public-url", "https://other.example.com", "--replace")
    assert accounts.hubspot.hooks.url == "https://other.example.com/webhooks/hubspot"
    assert "delivers nothing" in (await accounts.run("remove", "--connection", "hubspot")).output
    await accounts.run("remove", "--connection", "hubspot", "--public-url", "https://other.example.com")
    assert [accounts.hubspot.hooks.url, *accounts.hubspot.hooks.subscriptions] == [None]


async def test_a_paused_subscription_of_a_hubspot_app_is_made_again(accounts: WebhookAccounts) -> None:
    await accounts.run("create", "--connection", "hubspot")
    hooks = accounts.hubspot.hooks
    other = hooks.subscribe("object.propertyChange", "hs_body_preview")._replace(active=False)
    hooks.subscriptions[:] = [hooks.subscriptions[0]._replace(active=False), *hooks.subscriptions[1:-1], other]
    paused, *kept = [one.id for one in hooks.subscriptions]
    printed = (await accounts.run("create", "--connection", "hubspot")).output
    assert "\nMade: object.creation, delivered to " in printed
    assert [one.active for one in hooks.subscriptions if one.id != other.id] == [True] * 9
    assert paused not in {one.id for one in hooks.subscriptions}
    assert {*kept} < {one.id for one in hooks.subscriptions}, "nobody else's subscription is touched"


async def test_subscriptions_that_deliver_are_listed_as_active(accounts: WebhookAccounts) -> None:
    for connection, count in (("close", 1), ("vambe", 3), ("hubspot", 9)):
        await accounts.run("create", "--connection", connection)
        lines = (await accounts.run("list", "--connection", connection)).output.splitlines()
        assert [line.split()[-1] for line in lines] == ["active"] * count


@pytest.mark.parametrize("missing", ["app_id", "developer_key"])
async def test_webhooks_create_without_an_id_or_key_of_the_app_prints_the_manual_steps(
    accounts: WebhookAccounts, missing: str
) -> None:
    accounts.file.write_text(accounts.file.read_text().replace(f"{missing} =", f"# {missing} ="))
    done = await accounts.run("create", "--connection", "hubspot")
    assert done.exit_code == 1
    assert "a service key cannot" in done.output
    assert "connections.hubspot.webhook_key" in done.output
    file, _ = json.JSONDecoder().raw_decode(done.output, done.output.index("{\n"))
    assert file["config"]["settings"]["targetUrl"] == f"{BASE}/webhooks/hubspot"
    subscriptions = file["config"]["subscriptions"]["crmObjects"]
    of_property = [one for one in subscriptions if one["subscriptionType"] == "object.propertyChange"]
    assert len(of_property) == len({one["propertyName"] for one in of_property}) == 7
    assert [{*one} for one in subscriptions if one not in of_property] == [
        {"subscriptionType", "objectType", "active"}
    ] * 2
    assert accounts.hubspot.hooks.url is None
    for words in (["list"], ["list", "--public-url", BASE], ["remove"]):
        with pytest.raises(
            CallerError, match=r"^Taskhand cannot .* the subscriptions of this kind of app\. "
        ) as refused:
            await accounts.run(*words, "--connection", "hubspot", env={"TASKHAND_PUBLIC_URL": ""})
        assert "at HubSpot" in str(refused.value.next_step)
        assert "connections.hubspot.app_id and connections.hubspot.developer_key" in str(refused.value.next_step)


async def test_a_missing_option_is_refused_before_any_webhook_is_made(accounts: WebhookAccounts) -> None:
    with pytest.raises(CallerError, match="several connections") as unclear:
        await accounts.run("create")
    assert [one.value for one in unclear.value.candidates] == ["close", "vambe", "hubspot"]
    with pytest.raises(CallerError, match="address for CRMs is not set"):
        await accounts.run("create", "--connection", "close", env={"TASKHAND_PUBLIC_URL": ""})
    assert accounts.close._store.webhooks == {}  # noqa: SLF001


async def test_the_only_connection_with_webhooks_need_not_be_named(accounts: WebhookAccounts) -> None:
    text = accounts.file.read_text()
    accounts.file.write_text(text[: text.index("[connections.vambe]")] + '[connections.mine]\nbackend = "local"\n')
    assert (await accounts.run("list")).output == "Close has no subscriptions to tasks.\n"


async def test_a_lost_answer_creates_no_second_webhook(accounts: WebhookAccounts) -> None:
    [found] = load_configuration(accounts.env, {}).only("close").connections
    url = f"{BASE}/webhooks/close"
    first = await with_admin(found, lambda admin: admin.subscribe(url, None, replaces=False))
    second = await with_admin(found, lambda admin: admin.subscribe(url, None, replaces=False))
    assert first
    assert second
    assert (second.key, second.made) == (first.key, ())  # Close shows the key, so it is known again


@pytest.mark.parametrize(
    ("given", "outcome", "words"),
    [
        ({}, None, ""),
        (
            {"TASKHAND_WEBHOOKS": "true"},
            "warning",
            "there is no key to verify it with. `taskhand webhooks create --connection default`, or unset",
        ),
        (
            {"TASKHAND_WEBHOOKS": "true", "TASKHAND_PUBLIC_URL": ""},
            "warning",
            "create --connection default --public-url https://tasks.example.com`",
        ),
        (HUBSPOT | {"TASKHAND_WEBHOOKS": "true"}, "warning", "Set HUBSPOT_WEBHOOK_KEY to the client secret of the app"),
        (VAMBE | {"TASKHAND_WEBHOOKS": "true"}, "warning", "offers none for tasks, nothing needs to be done"),
        (HUBSPOT | {"HUBSPOT_WEBHOOK_KEY": "s3cret"}, "ok", "`taskhand webhooks list --connection default` shows"),
        (HUBSPOT | {"HUBSPOT_WEBHOOK_KEY": "s3cret", "TASKHAND_PUBLIC_URL": ""}, "ok", "--webhooks and --public-url"),
        (
            HUBSPOT | {"HUBSPOT_WEBHOOK_KEY": "s3cret", "TASKHAND_PUBLIC_URL": "", "TASKHAND_WEBHOOKS": "true"},
            "warning",
            "Set TASKHAND_PUBLIC_URL",
        ),
        ({"CLOSE_WEBHOOK_KEY": "5c" * 32}, "ok", "where the server has --webhooks"),
        (
            {"CLOSE_WEBHOOK_KEY": "5c" * 32, "TASKHAND_WEBHOOKS": "true"},
            "ok",
            f"There is a key to verify deliveries of Close to {BASE}/webhooks/default. `taskhand webhooks list",
        ),
        ({"CLOSE_WEBHOOK_KEY": "s3cret-no-key"}, "failed", "CLOSE_WEBHOOK_KEY is not the signature key"),
        (
            {"CLOSE_WEBHOOK_KEY": "5c" * 32, "TASKHAND_PUBLIC_URL": "http://tasks.example.com"},
            "failed",
            "is not an https address",
        ),
    ],
)
def test_the_doctor_reports_whether_deliveries_can_be_verified(
    given: dict[str, str], outcome: str | None, words: str
) -> None:
    env = {"TASKHAND_BACKEND": "close", "CLOSE_API_KEY": "api_key", "TASKHAND_PUBLIC_URL": BASE} | given
    env = {name: value for name, value in env.items() if value}
    [connection] = load_configuration(env, {}).connections
    found = check_webhook_verification(connection)
    assert [one.outcome for one in found] == ([outcome] if outcome else [])
    assert all(words in f"{one.found} {one.remedy}" and "s3cret" not in repr(one) for one in found)


def test_the_doctor_names_the_key_of_a_connections_table_in_which_the_webhook_key_is_missing() -> None:
    table = b'webhooks = true\n[connections.north]\nbackend = "hubspot"\naccess_token = "pat-s3cret"\n'
    [connection] = load_configuration({}, {}, parse_settings(table, Path("/taskhand.toml"))).connections
    [found] = check_webhook_verification(connection)
    assert str(found.remedy).startswith("Set connections.north.webhook_key to the client secret of the app")


@pytest.mark.parametrize(
    ("words", "given", "told"),
    [
        (["--public-url", BASE], {}, "--public-url needs --webhooks"),
        (["--webhooks", "--public-url", "http://tasks.example.com"], {}, "is not an https address"),
        (["--public-url", "http://tasks.example.com"], {"TASKHAND_WEBHOOKS": "true"}, "is not an https address"),
    ],
)
def test_a_server_that_could_take_no_webhooks_is_not_started(
    words: list[str], given: dict[str, str], told: str
) -> None:
    env = {"TASKHAND_CONFIG": "/dev/null", "TASKHAND_PORT": "0"} | given
    done = CliRunner().invoke(command, ["serve", "--http", *words], env=env)
    assert done.exit_code != 0
    assert told in f"{done.output} {done.exception}"


@pytest.mark.parametrize(
    ("key", "word"), [("5c" * 32, "accepted at /webhooks/ for close"), ("s3cret", "Not for close")]
)
async def test_a_server_names_the_connections_whose_webhooks_it_does_not_take(
    accounts: WebhookAccounts, key: str, word: str
) -> None:
    tables = accounts.file.read_text().replace('backend = "close"', f'backend = "close"\nwebhook_key = "{key}"')
    accounts.file.write_text(f'{tables}[connections.own]\nbackend = "local"\n')
    found = load_configuration({"TASKHAND_CONFIG": str(accounts.file)}, {})
    async with open_connections(found.connections) as connections:
        webhooks = open_webhook_receivers(found, connections, WebhookOptions(are_taken=True))
    assert webhooks
    told = webhooks.describe()
    assert word in told
    assert {"s3cret", "own"} & {*re.findall(r"\w+", told)} == set()
    for name in ("hubspot", "vambe"):
        assert f"ot for {name}: connections.{name}.webhook_key is not set" in told


async def test_a_delivery_is_stored_for_its_own_connection(accounts: WebhookAccounts) -> None:
    secret = "n" * 40
    tables = accounts.file.read_text().replace('backend = "vambe"', f'backend = "vambe"\nwebhook_key = "{secret}"')
    accounts.file.write_text(tables)
    given = {"TASKHAND_CONFIG": str(accounts.file), "TASKHAND_JOURNAL": str(accounts.file.with_name("journal.sqlite"))}
    found = load_configuration(given, {})
    hints = {}
    async with open_connections(found.connections) as connections:
        webhooks = open_webhook_receivers(found, connections, WebhookOptions(are_taken=True))
        assert webhooks
        assert await webhooks.take(Received("vambe", secret, "POST", "", "", {}, b"{}", "203.0.113.1")) == 204
        for name in ("close", "vambe"):
            app = connections.by_name[name]
            assert app.events
            hints[name] = {*await app.events.find_hints(await feed_of(app))}
    assert hints == {"close": set(), "vambe": {""}}


@pytest.mark.parametrize("key", ["env:GONE", "5c5c 5c5c"])
def test_an_unreadable_webhook_key_is_not_replaced(key: str) -> None:
    env = {"TASKHAND_CONFIG": os.devnull, "CLOSE_API_KEY": "api_key.of-close-4711", "CLOSE_WEBHOOK_KEY": key}
    with pytest.raises(OperatorError, match="CLOSE_WEBHOOK_KEY"):
        current_key(load_configuration(env, {}).connections[0])


@pytest.mark.parametrize("given", [{"CLOSE_WEBHOOK_KEY": "<your key>"}, {"CLOSE_CLIENT_SECRET": "env:GONE"}])
def test_a_sample_text_or_another_unreadable_secret_is_no_webhook_key(given: dict[str, str]) -> None:
    env = {"TASKHAND_CONFIG": os.devnull, "CLOSE_API_KEY": "api_key.of-close-4711"} | given
    assert current_key(load_configuration(env, {}).connections[0]) is None


def test_the_built_in_store_has_no_webhooks(tmp_path: Path) -> None:
    env = {"TASKHAND_DB": str(tmp_path / "tasks.sqlite"), "TASKHAND_PUBLIC_URL": BASE}
    done = CliRunner().invoke(command, ["webhooks", "create"], env=env)
    assert "has no webhooks" in str(done.exception)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, None),
        ({"resource": "https://tasks.x.test/mcp"}, "https://tasks.x.test"),
        ({"resource": "https://tasks.x.test/mcp/"}, "https://tasks.x.test"),
        ({"public_url": "https://hooks.x.test/webhooks/"}, "https://hooks.x.test"),
        ({"public_url": "https://hooks.x.test/a", "resource": "https://tasks.x.test/mcp"}, "https://hooks.x.test/a"),
    ],
)
def test_the_public_address_is_without_the_paths_of_the_server(given: dict[str, Any], address: str | None) -> None:
    assert public_address(Settings.from_env({}), WebhookOptions(**given)) == address
