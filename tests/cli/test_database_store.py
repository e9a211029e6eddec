"""The built-in store in a PostgreSQL database, as commands and servers use it, and what they say of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from click.testing import CliRunner
from mcp import Client

from taskhand.cli.main import command
from taskhand.config.data_files import store_path
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.server.app import create_server
from taskhand.wiring import open_app

if TYPE_CHECKING:
    from postgres_server import TestDatabase

PASSWORD = "s3cret"  # noqa: S105  of no account


def run(url: str, folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and all that it says, which has no password."""
    variables = {"TASKHAND_DB": url, "TASKHAND_JOURNAL": str(folder / "journal.sqlite"), "TASKHAND_USER": "Elena"}
    done = CliRunner(env=variables).invoke(command, arguments)
    error = done.exception
    said = f"{done.output}{error.message} {error.next_step}" if isinstance(error, TaskhandError) else done.output
    assert PASSWORD not in said
    return done.exit_code, said


def test_commands_work_on_a_database_or_name_the_tool_to_use(postgres: "TestDatabase", tmp_path: Path) -> None:
    url, lines = postgres.url, tmp_path / "tasks.jsonl"
    code, said = run(url, tmp_path, "seed", "demo")
    assert code == 0, said
    code, said = run(url, tmp_path, "export", str(lines))
    assert (code, said) == (0, f"{lines} has the tasks: 24.\n"), said
    code, said = run(url, tmp_path, "import", "--dry-run", str(lines))
    assert (code, said) == (0, "Tasks that would be made: 0. Already in the store: 24.\n")
    code, said = run(url, tmp_path, "import", str(lines))
    assert (code, said) == (0, "Tasks made: 0. Already in the store: 24.\n")
    code, said = run(url, tmp_path, "statuses", "list")
    assert "Pendiente" in said
    code, said = run(url, tmp_path, "doctor")
    assert "can be written; tasks: 24." in said
    code, said = run(url, tmp_path, "config")
    assert "TASKHAND_DB" in said
    code, said = run(url, tmp_path, "backup", str(tmp_path / "saved.zip"))
    assert "pg_dump" in said


def test_a_server_writes_to_a_database_and_undoes_it(postgres: "TestDatabase", tmp_path: Path) -> None:
    settings = Settings.from_env({"TASKHAND_DB": postgres.url, "TASKHAND_JOURNAL": str(tmp_path / "journal.sqlite")})

    async def work() -> None:
        async with open_app(settings) as app, Client(create_server(app)) as client:

            async def call(tool: str, **arguments: Any) -> Any:
                answer = await client.call_tool(tool, arguments)
                assert not answer.is_error, answer
                return answer.structured_content

            made = await call(
                "create_task", title="Call Acme", dueDate="2020-01-02", responsibleIds=["me"], priority="2"
            )
            found = await call("list_tasks", text="acme", overdue=True, responsibleIds=["me"])
            assert [task["id"] for task in found["tasks"]] == [made["task"]["id"]]
            await call("undo_change", changeId=made["changeId"])
            assert (await call("list_tasks"))["tasks"] == []

    anyio.run(work)


def test_the_first_change_of_a_database_that_has_store_and_journal_is_made(postgres: "TestDatabase") -> None:
    variables = {"TASKHAND_DB": postgres.url, "TASKHAND_STATE": postgres.url, "TASKHAND_CONFIG": "/dev/null"}
    task = '{"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}'
    done = CliRunner(env=variables).invoke(command, ["call", "create_task", task])
    assert done.exit_code == 0, done.output


def test_an_error_about_an_unusable_database_does_not_show_its_password(
    postgres_database: "TestDatabase", tmp_path: Path
) -> None:
    query = postgres_database.url.partition("?")[2]
    code, said = run(f"postgresql://taskhand:{PASSWORD}@/nowhere?{query}", tmp_path, "statuses", "list")
    assert code != 0
    assert "The task store in the database nowhere" in said
    code, said = run(f"postgresql://ana:{PASSWORD}@x@127.0.0.1/tasks", tmp_path, "statuses", "list")
    assert code != 0
    assert "%40" in said


def test_the_password_of_the_address_is_a_secret() -> None:
    settings = Settings.from_env({"TASKHAND_DB": f"postgresql://ana:{PASSWORD}%21@db/tasks"})
    assert PASSWORD not in repr(settings)
    assert settings.display_value("db") == "postgresql://***@db/tasks"
    assert {f"{PASSWORD}%21", f"{PASSWORD}!"} <= {*settings.secrets}
    with pytest.raises(OperatorError, match="no file"):
        store_path(settings)
