"""Names are completed while they are typed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, Completion, PromptReference, ResourceTemplateReference

from backends.vambe.backend_case import vambe_sandbox, vambe_settings
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.config.settings import Settings
from taskhand.domain.display_text import plain
from taskhand.domain.policy import Policy
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.access import Access
from taskhand.server.app import create_server
from taskhand.server.prompts import PROMPTS
from taskhand.wiring import open_app, open_local_store

ERAS = ("legacy", "2026-07-28")


def _furnish(directory: Directory) -> None:
    directory.add_member("Ana Soto", "ana@example.com")
    directory.add_member("Maria Rodriguez", "maria.one@example.com")
    directory.add_member("María Rodríguez", "maria.two@example.com")
    directory.add_member("So\u200bfia", "sofia@example.com")
    directory.add_status("\u2714\ufe0f Lis\u200bto", "done")
    directory.add_member("Ze\u202ena", "ze\u200bna@example.com")


@pytest.fixture(params=ERAS)
async def client(request: pytest.FixtureRequest, store_file: Path) -> AsyncIterator[Client]:
    """A host on a store with a small team, in both eras."""
    settings = Settings(db=store_file, user="Elena")
    backend = open_local_store(settings)
    await backend.edit(_furnish)
    await backend.aclose()
    async with open_app(settings) as at, Client(create_server(at), mode=request.param) as connected:
        yield connected


async def completions(client: Client, argument: str, typed: str, **others: str) -> Completion:
    """What an argument of a prompt can go on to."""
    answer = await client.complete(
        PromptReference(name="hand_over"), {"name": argument, "value": typed}, context_arguments=others
    )
    return answer.completion


@pytest.mark.parametrize(
    ("argument", "typed", "names"),
    [
        ("status", "", ["Pendiente", "En Progreso", "Completado", "\u2714\ufe0f Listo"]),
        ("status", "prog", ["En Progreso"]),
        ("newStatusName", "en p", ["En Progreso"]),
        ("member", "ELE", ["Elena"]),
        ("member", "x", []),
        ("anything", "", []),
    ],
)
async def test_a_name_is_completed_from_its_beginning(
    client: Client, argument: str, typed: str, names: list[str]
) -> None:
    answer = await completions(client, argument, typed)
    assert (answer.values, answer.total, answer.has_more) == (names, len(names), False)


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.name)
async def test_every_argument_of_a_prompt_is_completed(client: Client, prompt: object) -> None:
    [asked] = [one for one in (await client.list_prompts()).prompts if one.name == getattr(prompt, "name", None)]
    for argument in asked.arguments or ():
        assert (await completions(client, argument.name, "")).values


async def test_a_match_at_the_start_comes_before_a_match_in_a_later_word(client: Client) -> None:
    assert (await completions(client, "member", "so")).values == ["Sofia", "Ana Soto"]


async def test_no_hidden_character_is_completed_and_every_value_means_one_person(client: Client) -> None:
    for typed in ("", "ze"):
        values = (await completions(client, "member", typed)).values
        assert all(plain(value) == value for value in values)
        for value in values:
            found = await client.call_tool("list_tasks", {"responsibleIds": [value]})
            assert not found.is_error
    assert len((await completions(client, "member", "")).values) == 6


async def test_a_status_is_completed_as_it_is_shown(client: Client) -> None:
    assert (await completions(client, "status", "\u2714 lis")).values == ["\u2714\ufe0f Listo"]
    assert (await completions(client, "status", "lis\u200b")).values == ["\u2714\ufe0f Listo"]


async def test_people_with_the_same_name_are_shown_by_e_mail(client: Client) -> None:
    assert (await completions(client, "to", "maría rod")).values == ["maria.one@example.com", "maria.two@example.com"]


async def test_completion_of_the_receiver_omits_the_person_who_hands_over(client: Client) -> None:
    for typed in ("elena", " ELENA"):
        assert "Elena" not in (await completions(client, "to", "", **{"from": typed})).values
    assert "Elena" in (await completions(client, "to", "", **{"from": "Ana Soto"})).values


async def test_a_long_list_of_names_shows_the_first_and_the_count(store_file: Path) -> None:
    settings = Settings(db=store_file, user="Elena")
    backend = open_local_store(settings)
    await backend.edit(lambda directory: [directory.add_member(f"Member {n}", None) for n in range(30)])
    await backend.aclose()
    async with open_app(settings) as at, Client(create_server(at)) as client:
        answer = await completions(client, "member", "member")
    assert (len(answer.values), answer.total, answer.has_more) == (20, 30, True)


async def test_names_that_a_rule_hides_are_not_completed(store_file: Path) -> None:
    for tools, members in (("read", ["Elena"]), ("-list_team_members", [])):
        access = Access(lambda tools=tools: Policy({"tools": tools}))  # type: ignore[misc]
        async with (
            open_app(Settings(db=store_file, user="Elena")) as at,
            Client(create_server(at, access=access)) as client,
        ):
            assert (await completions(client, "member", "")).values == members
            assert (await completions(client, "status", "pend")).values == ["Pendiente"]


async def test_the_address_of_a_task_is_not_completed(client: Client) -> None:
    answer = await client.complete(ResourceTemplateReference(uri="task://{id}"), {"name": "id", "value": "1"})
    assert answer.completion.values == []


async def test_a_crm_that_refuses_is_named_in_the_error(tmp_path: Path) -> None:
    async with serve_sandbox(vambe_sandbox()) as url:
        settings = vambe_settings(url, vambe_api_key="wrong", journal=tmp_path / "journal.sqlite")
        async with open_app(settings) as at, Client(create_server(at)) as client:
            with pytest.raises(MCPError, match="VAMBE_API_KEY") as refused:
                await completions(client, "member", "")
    assert refused.value.code == INTERNAL_ERROR
