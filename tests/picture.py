"""The picture in the README: the output of `taskhand demo --brief` at a fixed time."""

import re
import subprocess
import sys
from io import StringIO

from rich.console import Console
from rich.text import Text

__all__ = ["render_demo"]

_COMMAND = ("taskhand", "--clock", "2026-03-02T12:00:00-03:00", "--ids", "sequential", "demo", "--brief")
"""Its output is the same in every run."""

_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_WIDTH, _MAX_CHARACTERS = 108, 100
_STEPS = ("Call Acme tomorrow", "Give it to Ana", "Both ways", "Push everything", "Yes, exactly", "Take it back")
"""The beginnings of the steps in the picture."""
_STYLES = {"■": "bold", "  ←": "green", "  ✗": "red"}


def render_demo() -> str:
    """The output in a terminal, as SVG."""
    command = [sys.executable, "-m", *_COMMAND]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout  # noqa: S603  ours
    assert [title for title in _STEPS if title not in output] == []
    console = Console(record=True, width=_WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text("$ taskhand demo --brief", style="dim"))
    for step in output.split("\n\n")[1:]:
        if any(title in step for title in _STEPS):
            console.print()
            for line in step.strip("\n").splitlines():
                style = next((style for start, style in _STYLES.items() if line.startswith(start)), "")
                console.print(Text(line if len(line) <= _MAX_CHARACTERS else f"{line[:_MAX_CHARACTERS]}…", style=style))
    # The picture uses the reader's fonts and loads nothing from the network.
    return _FONTS.sub("", console.export_svg(title="Taskhand", unique_id="taskhand")) + "\n"
