"""The pages for developers name folders and modules that exist."""

import re
from pathlib import Path

import taskhand

ROOT = Path(taskhand.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
TOPS = (PAGE.parents[1], ROOT, ROOT / "backends" / "vambe")
"""The folders that the paths on the pages begin in: the checkout, the package, and the folder of a CRM."""
MAX_MODULES = {"close": 12, "hubspot": 15, "vambe": 9}


def test_every_name_in_the_tree_of_the_page_is_a_folder_or_a_module() -> None:
    names = _names()
    assert len(names) > 100, "the tree is read"
    assert [name for name in names if not _exists(name)] == []


def test_every_folder_is_in_the_tree_of_the_page() -> None:
    shown = {name.split("/")[0] for name in _names()}
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - shown == set()


def test_every_file_that_the_pages_for_developers_name_exists() -> None:
    pages = {name: (PAGE.parent / name).read_text(encoding="utf-8") for name in ("architecture.md", "contributing.md")}
    named = {name: re.findall(r"`([\w/]+/[\w/]*(?:\.py)?)`", text) for name, text in pages.items()}
    assert all(len(files) > 10 for files in named.values()), "the files are read"
    assert [(name, file) for name, files in named.items() for file in files if not _is_found(file)] == []


def test_the_folder_of_a_crm_stays_small_enough_to_be_known() -> None:
    """Modules beside the folders for fields, properties and events: the skeleton that all CRMs share, and few more."""
    counts = {crm: len([*(ROOT / "backends" / crm).glob("[!_]*.py")]) for crm in MAX_MODULES}
    assert {crm: count for crm, count in counts.items() if count > MAX_MODULES[crm]} == {}


def _is_found(file: str) -> bool:
    """Whether a path exists below one of the folders, or is one that a recipe makes or a command writes."""
    made = {"flag_task", "globex", "dist", "<name>"}
    return bool(made & {*re.split(r"[/.]", file)}) or any(
        (top / name).exists() for top in TOPS for name in (file, f"{file}.py")
    )


def _names() -> list[str]:
    """The paths below the package of all names in the tree, a folder with a slash at its end.

    A line has a folder, its modules and, after a colon, a sentence; a line that begins deeper continues a folder.
    """
    tree = re.search(r"```text\nsrc/taskhand/\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert tree is not None
    found: list[str] = []
    parent = folder = ""
    for line in tree[1].splitlines():
        indent, (first, *others) = len(line) - len(line.lstrip()), line.partition(":")[0].split()
        if indent not in (2, 4):
            others.insert(0, first)
        elif first.endswith("/"):
            folder = first if indent == 2 else f"{parent}{first}"
            parent = first if indent == 2 else parent
            found.append(folder)
        else:
            folder = ""
            found.append(first)
        found.extend(f"{folder}{other}" for other in others)
    return found


def _exists(name: str) -> bool:
    return (ROOT / name).is_dir() if name.endswith("/") else (ROOT / f"{name}.py").is_file()
