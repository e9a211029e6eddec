"""Output of commands for people has no terminal control characters, wherever the text comes from."""

import json
import unicodedata
from pathlib import Path

import pytest

from server.transports.server_process import output, run

HOSTILE = "Ana\x1b[2J\x1b]0;x\x07\x9b31m\u202egnp\u2066\u200b\r\n✓ store: fine\u2028\x85Soto"
PRINTED = "Ana[2J]0;x31mgnp ✓ store: fine Soto"


def check_harmless(text: str) -> None:
    """Fail for a control, a format character or a line separator that was printed; a newline ends a line."""
    found = {hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert found == set()


def test_names_of_people_statuses_and_contacts_are_printed_in_one_harmless_line(store_file: Path) -> None:
    output(store_file, "members", "add", HOSTILE, "--email", HOSTILE)
    output(store_file, "statuses", "add", HOSTILE, "--type", "done")
    output(store_file, "contacts", "add", HOSTILE, "--phone", f"+56{HOSTILE}", "--customer", HOSTILE)
    for listed, lines in (("members", 2), ("statuses", 4), ("contacts", 1)):
        text = output(store_file, listed, "list")
        check_harmless(text)
        assert len(text.splitlines()) == lines
        assert f"  {PRINTED}" in text


def test_the_journal_and_the_answer_of_a_call_are_printed_without_hidden_characters(store_file: Path) -> None:
    draft = {"title": HOSTILE.replace("\r\n", " "), "responsibleIds": ["me"], "priority": "1"}
    check_harmless(output(store_file, "call", "create_task", json.dumps(draft)))
    check_harmless(output(store_file, "journal"))
    check_harmless(output(store_file, "journal", "export"))


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("members", "remove", HOSTILE), {}),
        (("statuses", "rename", HOSTILE, "Done"), {}),
        (("call", HOSTILE), {"TASKHAND_LOG_LEVEL": "DEBUG"}),
        (("call", "get_task", json.dumps({HOSTILE: 1})), {}),
        (("call", "get_task", HOSTILE), {}),
        ((HOSTILE,), {}),
        ((f"--{HOSTILE}",), {}),
        (("journal", "--since", HOSTILE), {}),
        (("scenario", "run", "--only", HOSTILE), {}),
        (("statuses", "list"), {"TASKHAND_TIMEZONE": HOSTILE}),
        (("statuses", "list"), {"TASKHAND_TOOLS": HOSTILE, "TASKHAND_DB": f"/dev/null/{HOSTILE}"}),
    ],
)
def test_an_error_sentence_is_printed_without_hidden_characters(
    store_file: Path, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    done = run(store_file, *arguments, **variables)
    assert done.returncode in {1, 2}
    check_harmless(done.stdout + done.stderr)


@pytest.mark.parametrize("arguments", [("doctor",), ("doctor", "--json"), ("config",), ("config", "--json")])
def test_settings_and_findings_are_printed_without_hidden_characters(
    store_file: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "\x1b[2J\u202e.toml"
    file.write_text(f"{json.dumps(HOSTILE)} = 1\n", encoding="utf-8")
    done = run(store_file, *arguments, TASKHAND_USER=HOSTILE, TASKHAND_CONFIG=str(file))
    check_harmless(done.stdout + done.stderr)
    assert "[2J" in done.stdout + done.stderr
