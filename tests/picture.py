"""The picture in the README: what `taskhand demo --brief` prints, at a time that stands still."""

import re
import subprocess
import sys
from io import StringIO

from rich.console import Console
from rich.text import Text

__all__ = ["COMMAND", "picture"]

COMMAND = ("taskhand", "--clock", "2026-03-02T12:00:00-03:00", "--ids", "sequential", "demo", "--brief")
"""What is recorded; the same in every run."""

_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_WIDTH, _LONGEST = 108, 100
_SHOWN = ("Call Acme tomorrow", "Give it to Ana", "Both ways", "Push everything", "Yes, exactly", "Take it back")
"""The steps that the picture has room for."""
_STYLES = {"■": "bold", "  ←": "green", "  ✗": "red"}


def picture() -> str:
    """The terminal as SVG."""
    command = [sys.executable, "-m", *COMMAND]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout  # noqa: S603  ours
    console = Console(record=True, width=_WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text("$ taskhand demo --brief", style="dim"))
    for step in said.split("\n\n")[1:]:
        if any(shown in step for shown in _SHOWN):
            console.print()
            for line in step.strip("\n").splitlines():
                style = next((style for start, style in _STYLES.items() if line.startswith(start)), "")
                console.print(Text(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…", style=style))
    # Fonts are the reader's own: a picture loads nothing from elsewhere.
    return _FONTS.sub("", console.export_svg(title="Taskhand", unique_id="taskhand")) + "\n"
