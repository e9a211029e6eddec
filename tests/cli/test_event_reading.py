"""How `taskhand events` handles the pages of a feed: one event at a time, each note once, to the end."""

import io
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from service.feed_app import FeedApp, open_feed
from taskhand.cli.event_command import EventCommand
from taskhand.cli.event_reading import EventReading, handle_events
from taskhand.service.list_events import EventPage, EventsRequest, list_events

pytestmark = pytest.mark.anyio

TITLES = ["Call 0", "Call 1", "Call 2"]


@dataclass(frozen=True)
class RecordingCommand(EventCommand):
    """A command that lets others run while it runs."""

    words: Sequence[str] = ()
    running: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    async def run(self, line: str) -> None:
        """Record the line; no other may be running."""
        assert self.running == []
        self.running.append(line)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        self.done.append(self.running.pop())


def reading_of(command: RecordingCommand | None) -> EventReading:
    return EventReading(None, (), (), None, None, follows=False, command=command, as_json=True)


async def pages_of(feed: FeedApp) -> list[EventPage]:
    """Three pages of one event each and one without any, all with the same note."""
    for title in TITLES:
        await feed.others.create(title)
    since = feed.clock() - timedelta(days=1)
    page = await list_events(feed.app, EventsRequest("desk", 10, since=since))
    noted = replace(page, events=(), notes=("It compares.",))
    return [*(replace(noted, events=(one,)) for one in page.events), noted]


async def handle(feed: FeedApp, reading: EventReading) -> None:
    pages = await pages_of(feed)

    async def read(*_: Any) -> AsyncIterator[EventPage]:
        for page in pages:
            yield page

    await handle_events(feed.app, reading, read)


class ClosedPipe(io.StringIO):
    """Standard output on a pipe whose reader is gone."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__()
        end, self.descriptor = os.pipe()
        os.close(end)

    def fileno(self) -> int:
        """The pipe."""
        return self.descriptor

    def close(self) -> None:
        """Close the pipe too."""
        os.close(self.descriptor)
        super().close()


async def test_a_note_of_several_pages_is_printed_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with open_feed(tmp_path) as feed:
        await handle(feed, reading_of(None))
    told = capsys.readouterr()
    assert told.err.splitlines() == ["It compares."]
    assert [title for title in TITLES if f'"{title}"' in told.out] == TITLES


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot see that the reader is gone")
async def test_printing_ends_with_its_reader_and_a_command_runs_for_every_event(tmp_path: Path) -> None:
    command = RecordingCommand()
    async with open_feed(tmp_path) as feed:
        with ClosedPipe() as out, redirect_stdout(out):
            await handle(feed, reading_of(command))
            await handle(feed, reading_of(None))
            printed = out.getvalue()
    assert [title for title in TITLES if f'"{title}"' in printed] == TITLES[:1]
    assert len(command.done) == len(TITLES)


async def test_the_command_runs_for_one_event_at_a_time_whatever_the_connection(tmp_path: Path) -> None:
    command = RecordingCommand()
    reading = reading_of(command)
    async with open_feed(tmp_path) as feed, anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(handle, feed, reading)
    assert len(command.done) >= 2 * len(TITLES)


async def test_without_a_bookmark_a_list_begins_a_day_ago_and_what_is_followed_begins_now(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        now = feed.clock()
        begun = [
            (await replace(reading_of(None), since=since, follows=follows).ask(feed.app)).since
            for since in (None, now)
            for follows in (False, True)
        ]
    assert begun == [now - timedelta(days=1), None, now, now]


@pytest.mark.parametrize(("tells_past", "more"), [(True, " For earlier changes, use --since."), (False, "")])
async def test_the_first_poll_says_that_it_begins_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, tells_past: bool, more: str
) -> None:
    async with open_feed(tmp_path) as feed:
        *_, last = await pages_of(feed)

        async def read(*_: Any) -> AsyncIterator[EventPage]:
            yield replace(last, notes=(), since=None, tells_past=tells_past)

        await handle_events(feed.app, reading_of(None), read)
    assert capsys.readouterr().err == f"This is the first poll: it begins now.{more}\n"
