"""`taskhand export` and `import`: nothing is lost, nothing is made twice, and wrong lines are named before a write."""

import csv
import json
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from click.testing import CliRunner, Result

from builders import DONE, MEMBERS, PENDING, STARTED
from fixed_clock import NOW
from safety.crms import CRMS, SandboxedCrm
from safety.odd_row import OddRow
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.backends.local.seed import seed_store
from taskhand.cli.export_import import export_tasks, import_tasks
from taskhand.cli.store import seed
from taskhand.cli.task_csv import COLUMNS, CsvReader, write_rows
from taskhand.config.settings import Settings
from taskhand.domain.errors import CallerError
from taskhand.domain.reference_time import Reference
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.in_process_client import call_tool
from taskhand.service.export_tasks import export_records
from taskhand.wiring import open_app, open_local_store
from virtual_time import Time

TABLES = ("task", "task_responsible", "status", "member", "contact")
ODD = "=HYPERLINK(\"http://evil.example\"),\n'quoted'; Ñandú\u2028 \U0001f600"


def settings_of(store: Path, **more: str) -> Settings:
    return Settings.from_env({"TASKHAND_DB": str(store), "TASKHAND_USER": "Elena Mora", **more})


def invoke(command: Any, store: Path, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments], obj=settings_of(store), catch_exceptions=False)


def rows(store: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that an export has of a store."""
    with closing(sqlite3.connect(store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.row_factory = lambda cursor, row: tuple(
            value for column, value in zip(cursor.description, row, strict=True) if column[0] != "number"
        )  # which is the store's own
        return {one: sorted(connection.execute(f"SELECT * FROM {one}"), key=repr) for one in TABLES}  # noqa: S608


def refusal(store: Path, file: Path) -> str:
    with pytest.raises(CallerError) as refused:
        invoke(import_tasks, store, file)
    return refused.value.message


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something in every column: odd texts, a former member, a status of its own, finished tasks."""
    store = tmp_path_factory.mktemp("filled") / "tasks.sqlite"

    def edit(directory: Directory) -> None:
        directory.add_status("Esperando", "in_progress", "#aabbcc")
        directory.rename_status("Pendiente", "Por hacer")
        directory.remove_member("luis.pereira@example.com")

    async def fill() -> None:
        backend = open_local_store(settings_of(store))
        await seed_store(backend, backend.now())
        await backend.edit(edit)
        await backend.aclose()
        async with open_app(settings_of(store)) as app:
            made = {"title": ODD, "description": ODD, "dueDate": "2026-12-30", "dueTime": "15:00"}
            zone = {"timezone": "America/Santiago", "responsibleIds": ["me", "ana.soto@example.com"]}
            text, _ = await call_tool(app, "create_task", made | zone)
            await call_tool(app, "complete_task", {"id": json.loads(text)["task"]["id"]})

    anyio.run(fill)
    return store


def test_an_export_imported_twice_gives_the_same_tasks_once(full_store: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "tasks.jsonl", tmp_path / "other.sqlite"
    count = len(rows(full_store)["task"])
    assert invoke(export_tasks, full_store, file).output == f"{file} has the tasks: {count}.\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert invoke(import_tasks, other, "--dry-run", file).stdout.startswith(f"Tasks that would be made: {count}.")
    assert rows(other)["task"] == []
    with file.open("a", encoding="utf-8") as lines:
        lines.write('{"unreadable": {"id": "of a CRM"}}\n')  # as the export of a CRM may have
    assert invoke(import_tasks, other, file).stdout == f"Tasks made: {count}. Already in the store: 0.\n"
    assert rows(other) == rows(full_store)
    assert invoke(import_tasks, other, file).stdout == f"Tasks made: 0. Already in the store: {count}.\n"
    assert rows(other) == rows(full_store)
    again = tmp_path / "again.jsonl"
    invoke(export_tasks, other, again)
    assert again.read_text("utf-8").splitlines() == file.read_text("utf-8").splitlines()[:-1]
    with pytest.raises(CallerError, match="exists already"):
        invoke(export_tasks, full_store, file)
    printed = invoke(export_tasks, full_store, "-").stdout
    piped = CliRunner().invoke(import_tasks, ["-"], printed, obj=settings_of(tmp_path / "piped.sqlite"))
    assert piped.stdout == f"Tasks made: {count}. Already in the store: 0.\n"
    assert rows(tmp_path / "piped.sqlite") == rows(full_store)


def test_an_import_keeps_the_statuses_people_and_changed_tasks_of_a_filled_store(
    full_store: Path, tmp_path: Path
) -> None:
    file, other = tmp_path / "tasks.jsonl", tmp_path / "other.sqlite"
    invoke(export_tasks, full_store, file)

    async def begin() -> None:
        async with open_app(settings_of(other)) as app:
            await call_tool(app, "create_task", {"title": "My own", "responsibleIds": ["me"]})

    anyio.run(begin)
    before = rows(other)
    invoke(import_tasks, other, file)
    after = rows(other)
    assert [set(before[one]) <= set(after[one]) for one in ("task", "status", "member")] == [True] * 3
    assert len([row for row in after["member"] if row[1] == "Elena Mora"]) == 1  # the same name, and no other e-mail
    assert len(after["task"]) == len(rows(full_store)["task"]) + 1
    with closing(sqlite3.connect(other)) as connection, connection:
        for person in ("creator_id", "completed_by"):
            unknown = f"SELECT id FROM task WHERE {person} IS NOT NULL AND {person} NOT IN (SELECT id FROM member)"  # noqa: S608
            assert connection.execute(unknown).fetchall() == []
        connection.execute("UPDATE task SET title = 'Changed' WHERE title LIKE 'Send the proposal%'")
    told = invoke(import_tasks, other, file).stdout
    assert "Tasks made: 0." in told
    assert "although the file differs: lines " in told
    assert "Changed" in {row[1] for row in rows(other)["task"]}


def test_of_many_lines_that_differ_from_the_store_twenty_are_named(tmp_path: Path) -> None:
    store, table, lines = tmp_path / "tasks.sqlite", tmp_path / "tasks.csv", tmp_path / "tasks.jsonl"
    tasks = "".join(f"Call {number},2026-12-23,Elena\n" for number in range(21))
    table.write_text(f"title,dueDate,responsible\n{tasks}", encoding="utf-8")
    invoke(import_tasks, store, table)
    invoke(export_tasks, store, lines)
    changes = (
        "UPDATE task SET title = title || '!'",
        "UPDATE task SET description = 'x'",
        "UPDATE task SET due_at = '2026-12-24T00:00:00Z'",
        "UPDATE task SET due_timezone = 'America/Bogota'",
        "UPDATE task SET is_all_day = 1 - is_all_day",
        "UPDATE task SET ai_contact_id = 'c-1'",
        "UPDATE task SET ai_customer_id = 'k-1'",
        "UPDATE task SET priority = 2",
        "UPDATE task SET status_id = (SELECT id FROM status WHERE type = 'done')",
        "DELETE FROM task_responsible",
    )
    with closing(sqlite3.connect(store)) as connection, connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM task")]
        for number, one in enumerate(ids):
            sql = changes[number % len(changes)]
            connection.execute(f"{sql} WHERE {'task_id' if 'DELETE' in sql else 'id'} = ?", (one,))
    told = invoke(import_tasks, store, lines).stdout
    *named, rest = told.partition("the file differs: lines ")[2].split(", ")
    assert (len(named), rest) == (20, "….\n")
    *all_but_one, _ = lines.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.write_text("".join(all_but_one), encoding="utf-8")
    told = invoke(import_tasks, store, lines).stdout
    assert (told.partition("the file differs: lines ")[2].count(", "), "…" in told) == (19, False)


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a field that is missing": (lambda task: task.pop("title"), "title: it is required"),
    "an unknown field": (lambda task: task.update(colour="red"), "colour: there is no such field"),
    "a due date": (lambda task: task.update(due_at="soon"), "due_at or due_timezone cannot be read"),
    "a zone": (lambda task: task.update(due_timezone="Mars/Base"), "Mars/Base"),
    "a time": (lambda task: task.update(created_at="2026-01-01T10:00:00"), "created_at is not an ISO 8601 time"),
    "a priority": (lambda task: task.update(priority=7), "priority is 0, 1 or 2"),
    "a status": (lambda task: task.update(task_status_config_id="?", status_config=None), "there is no status '?'"),
    "a text": (lambda task: task.update(title="\ud800"), "cannot be stored"),
}


@pytest.mark.parametrize("case", WRONG)
def test_import_names_an_invalid_line_and_writes_nothing(full_store: Path, tmp_path: Path, case: str) -> None:
    file, other = tmp_path / "tasks.jsonl", tmp_path / "other.sqlite"
    invoke(export_tasks, full_store, file)
    lines = file.read_text("utf-8").rstrip("\n").split("\n")
    spoil, expected = WRONG[case]
    record = json.loads(lines[-1])
    spoil(record["task"])
    lines[-1] = json.dumps(record)
    file.write_text("\n".join([*lines, "{half", '{"task": 1}', ""]), encoding="utf-8")
    message = refusal(other, file)
    assert message.startswith("Nothing was imported: line ")
    assert f"line {len(lines)}: {expected}" in message or f"line {len(lines)}: " in message
    assert expected in message
    assert f"line {len(lines) + 1}: it is not JSON" in message
    assert f"line {len(lines) + 2}: it is not an object" in message
    assert rows(other)["task"] == []


def test_csv_has_names_and_can_be_imported_again(full_store: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "tasks.csv", tmp_path / "other.sqlite"
    (tmp_path / ".tasks.csv.part").write_text("of an export that was interrupted", encoding="utf-8")
    invoke(export_tasks, full_store, file)
    assert not (tmp_path / ".tasks.csv.part").exists()
    with file.open(encoding="utf-8-sig", newline="") as opened:
        read = list(csv.DictReader(opened))
    assert tuple(read[0]) == COLUMNS
    odd = next(row for row in read if "HYPERLINK" in row["title"])
    assert odd["title"] == f"'{ODD}"
    assert (odd["dueDate"], odd["dueTime"], odd["timezone"]) == ("2026-12-30", "15:00", "America/Santiago")
    assert odd["responsible"] == "Elena Mora; Ana Soto"
    assert {"maria.rodriguez@example.com", "maria.r@example.com"} & {
        one for row in read for one in row["responsible"].split("; ")
    }
    before = rows(full_store)
    invoke(import_tasks, full_store, file)
    assert rows(full_store) == before
    assert "there is no status 'Por hacer'" in refusal(other, file)


def test_a_csv_row_has_the_seconds_of_a_time_and_distinguishable_names() -> None:
    people = {"1": ("Soto; Ana", "ana@x.test"), "2": ("Gil; Leo", None), "3": ("Eva Paz", None)}
    members = [{"member": {"id": one, "name": name, "email": email}} for one, (name, email) in people.items()]
    empty = dict.fromkeys(("description", "priority", "ai_contact_id", "ai_customer_id", "status_config"))
    empty |= dict.fromkeys(("created_at", "completed_at"))
    due = {"due_at": "2026-03-02T18:00:30.000Z", "due_timezone": "America/Santiago", "is_all_day": False}
    responsibles = [{"responsible_id": one} for one in (*people, "4")]
    task = empty | due | {"id": "1", "title": "Call", "task_responsibles": responsibles}
    [row] = csv.DictReader(write_rows([*members, {"task": task}]))
    assert (row["dueDate"], row["dueTime"], row["timezone"]) == ("2026-03-02", "15:00:30", "America/Santiago")
    assert row["responsible"] == "ana@x.test; 2; Eva Paz; 4"
    [row] = csv.DictReader(write_rows([{"task": task | {"due_timezone": None}}]))
    assert (row["dueDate"], row["dueTime"], row["timezone"]) == ("2026-03-02", "18:00:30", "UTC")


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "'"])
def test_no_csv_cell_begins_like_a_formula(begins: str) -> None:
    empty = dict.fromkeys(("description", "due_at", "due_timezone", "priority", "ai_contact_id", "ai_customer_id"))
    task = empty | dict.fromkeys(("is_all_day", "status_config", "task_responsibles", "created_at", "completed_at"))
    _, line = write_rows([{"task": task | {"id": "1", "title": f"{begins}1+1"}}])
    assert line.partition(",")[2].lstrip('"').startswith(f"'{begins}")


@pytest.mark.parametrize(
    ("chosen", "who"),
    [
        ({"TASKHAND_BACKEND": "vambe"}, "Vambe"),
        ({"HUBSPOT_ACCESS_TOKEN": "pat-na1-none"}, "HubSpot"),
    ],
)
def test_import_names_the_store_file_if_the_backend_is_a_crm(tmp_path: Path, chosen: dict[str, str], who: str) -> None:
    file, store = tmp_path / "mine.csv", tmp_path / "tasks.sqlite"
    file.write_text("title\nLlamar\n", encoding="utf-8")
    for command, arguments in ((seed, ["demo"]), (import_tasks, [str(file)])):
        run = CliRunner().invoke(command, arguments, obj=settings_of(store, **chosen), catch_exceptions=False)
        assert run.stderr == f"This is the built-in store, {store}. {who} gets nothing.\n"
    assert invoke(import_tasks, store, file).stderr == ""


def test_unknown_statuses_of_many_rows_list_the_known_ones_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("title,status\n" + "".join(f"Call {n},Stage {n}\n" for n in range(12)), encoding="utf-8")
    message = refusal(tmp_path / "tasks.sqlite", file)
    assert "line 2: there is no status 'Stage 0' (the statuses are Pendiente, " in message
    assert "); line 3: there is no status 'Stage 1'; line 4: " in message


def test_rows_without_ids_are_imported_once(tmp_path: Path) -> None:
    file, store = tmp_path / "mine.csv", tmp_path / "tasks.sqlite"
    file.write_text(
        "title;dueDate;status;responsible;priority\r\nLlamar a Acme;2026-12-30;;me;high\r\nLlamar a Acme;;done;;\r\n"
        "Llamar a Acme;;done;;\r\n",
        encoding="utf-8-sig",
    )
    assert invoke(import_tasks, store, file).stdout == "Tasks made: 3. Already in the store: 0.\n"
    assert invoke(import_tasks, store, file).stdout == "Tasks made: 0. Already in the store: 3.\n"
    file.write_text(
        'title,dueDate,responsible,priority\n"Two\nlines",,,\n,,,\nA,2026-02-30,,\nB,,Zoe,\nC,,,5\nD\n',
        encoding="utf-8",
    )
    message = refusal(store, file)
    assert [part.partition(":")[0] for part in message.partition(": ")[2].split("; line")] == [
        "line 5",
        " 6",
        " 7",
        " 8",
    ]
    assert len(rows(store)["task"]) == 3
    file.write_text("titel,dueDate\nA,\n", encoding="utf-8")
    assert "There is no column 'titel'" in refusal(store, file)
    file.write_bytes("title\nÑ\n".encode("latin-1"))
    assert "is not UTF-8" in refusal(store, file)


@pytest.mark.parametrize("crm", CRMS, ids=str)
def test_tasks_of_a_crm_are_imported_once(crm: SandboxedCrm, tmp_path: Path) -> None:
    file, store = tmp_path / "tasks.jsonl", tmp_path / "tasks.sqlite"

    async def collect() -> list[Mapping[str, Any]]:
        time = Time()
        async with serve_sandbox(crm.sandbox(3, time, ())) as url, crm.sandboxed_app(url, time) as app:
            return [record async for record in export_records(app)]

    records = anyio.run(collect)
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    assert invoke(import_tasks, store, file).stdout == "Tasks made: 3. Already in the store: 0.\n"
    assert invoke(import_tasks, store, file).stdout == "Tasks made: 0. Already in the store: 3.\n"
    titles = {record["task"]["title"] for record in records if "task" in record}
    assert {row[1] for row in rows(store)["task"]} == titles
    people = {record["member"]["name"] for record in records if "member" in record}
    assert people <= {str(row[1]) for row in rows(store)["member"]}

    async def change() -> bool:
        async with open_app(settings_of(store)) as app:
            text, _ = await call_tool(app, "list_tasks", {"limit": 1})
            task_id = json.loads(text)["tasks"][0]["id"]
            return (await call_tool(app, "complete_task", {"id": task_id}))[1]

    assert anyio.run(change) is False


def test_a_printed_export_has_the_ids_of_unreadable_tasks_and_their_number_beside_it() -> None:
    sandbox = VambeSandbox()
    proxy = OddRow(sandbox, str(sandbox.tasks[0]["id"]))
    proxy.odd = {"due_at": "soon"}
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_sandbox(proxy)) as url:
        settings = Settings.from_env({"VAMBE_API_KEY": sandbox.key, "VAMBE_BASE_URL": url})
        done = CliRunner().invoke(export_tasks, ["-"], obj=settings, catch_exceptions=False)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record for record in records if "unreadable" in record] == [{"unreadable": {"id": proxy.task_id}}]
    assert done.stderr == "Unreadable tasks that are left out: 1.\n"


def test_a_row_without_a_status_has_the_initial_one_wherever_it_stands() -> None:
    reader = CsvReader((DONE, PENDING, STARTED), (), (), None, Reference(NOW))
    lines = reader.read_rows("title,status\nCall,\nPay,done\nRest,en progreso\n")
    assert [line.value["status_config"]["name"] for line in lines] == ["Pendiente", "Completado", "En Progreso"]
    lines = CsvReader((PENDING,), (), (), None, Reference(NOW)).read_rows('title,description\nA,"1\n2"\n\nB,"3\n4"\n')
    assert [line.number for line in lines] == [2, 5], "a row is named by the line on which it begins"
    lines = CsvReader((PENDING,), (), (), None, Reference(NOW)).read_rows("title,description\n'tis,'=1\nE-mail,1+1\n")
    assert [(line.value["title"], line.value["description"]) for line in lines] == [("'tis", "=1"), ("E-mail", "1+1")]
    without = CsvReader((DONE, STARTED), (), (), None, Reference(NOW)).read_rows("title\nCall\n")
    assert [line.kind for line in without] == ["wrong"]


def test_blanks_around_the_cells_of_a_row_count_for_nothing() -> None:
    cells = {
        "id": "7",
        "status": "done",
        "dueDate": "2026-12-30",
        "dueTime": "15:00",
        "timezone": "America/Lima",
        "responsible": "Ana Pérez;ben@example.cl",
        "priority": "high",
        "aiContactId": "c-1",
        "aiCustomerId": "l-1",
        "createdAt": "2026-03-01T10:00:00Z",
        "completedAt": "2026-03-02T10:00:00Z",
    }

    def read(text: str) -> object:
        [line] = CsvReader((DONE, PENDING), MEMBERS, (), None, Reference(NOW)).read_rows(text)
        return line.kind, line.value

    padded = "".join(f", {cell.replace(';', ' ; ')} " for cell in cells.values())
    assert read(f" title , {' , '.join(cells)}\nCall{padded}\n , ,\n") == read(
        f"title,{','.join(cells)}\nCall,{','.join(cells.values())}\n"
    )
    names = [name for name in cells if name != "id"]
    assert read(f"id,title,{','.join(names)}\n7,Call{', ' * len(names)}\n") == read("id,title\n7,Call\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_failed_export_leaves_no_file(tmp_path: Path) -> None:
    import resource  # noqa: PLC0415  Windows does not have it

    store, source, folder = tmp_path / "tasks.sqlite", tmp_path / "source.csv", tmp_path / "out"
    folder.mkdir()
    source.write_text(f"title,description\nCall,{100_000 * 'x'}\n", encoding="utf-8")
    invoke(import_tasks, store, source)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, limits[1]))
    try:
        with pytest.raises(CallerError, match="cannot be written: File too large"):
            invoke(export_tasks, store, folder / "tasks.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(folder.iterdir()) == []
