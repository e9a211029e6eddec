"""Names are completed while they are typed."""

from pathlib import Path

import pytest
from mcp import Client
from mcp.types import PromptReference

from taskhand.server.app import create_server
from taskhand.settings import Settings
from taskhand.wiring import desk


@pytest.mark.parametrize(
    ("argument", "typed", "names"),
    [
        ("status", "", ["Pendiente", "En Progreso", "Completado"]),
        ("newStatusName", "en p", ["En Progreso"]),
        ("member", "ELE", ["Elena"]),
        ("member", "x", []),
        ("anything", "", []),
    ],
)
async def test_a_name_is_completed_from_its_beginning(
    argument: str, typed: str, names: list[str], store_file: Path
) -> None:
    async with desk(Settings(db=store_file, user="Elena")) as at, Client(create_server(at)) as client:
        answer = await client.complete(PromptReference(name="any"), {"name": argument, "value": typed})
    assert answer.completion.values == names
