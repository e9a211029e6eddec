"""A repeatable run for a test harness: the clock stands still, ids count up, and two runs are equal byte for byte.

Usage: python run.py STORE_FILE
"""

import subprocess
import sys


def taskhand(store: str, *command: str) -> str:
    """What the command prints, on a store whose time and ids are the harness's."""
    fixed = ["--db", store, "--clock", "2026-03-02T12:00:00-03:00", "--ids", "sequential"]
    return subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "taskhand", *fixed, *command], capture_output=True, text=True, check=True
    ).stdout


def main(store: str) -> None:
    """Plant the demo data, complete what is late, and print what an agent would see."""
    taskhand(store, "seed", "demo")
    print(taskhand(store, "call", "list_tasks", '{"overdue": true}'))
    print(taskhand(store, "call", "list_tasks", '{"status": ["initial"], "limit": 5}'))


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and its argument
        sys.exit("Usage: python run.py STORE_FILE")
    main(sys.argv[1])
