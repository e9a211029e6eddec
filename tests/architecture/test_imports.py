"""The permitted imports of each folder, and the limits of files and functions; each test lists every offending file."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import taskhand

ROOT = Path(taskhand.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

MAY_IMPORT = {
    "domain": set(),
    "call": {"domain"},
    "config": {"domain", "sql/store_address", "backends/factory", "backends/registry"},
    "http": {"call", "domain", "__init__"},
    "sql": set(),
    "sqlite": {"call", "domain", "sql"},
    "postgres": {"call", "domain", "sql"},
    "budgets": {"call", "domain", "http/rate_headers", "http/rate_limiter", "http/upstream", "postgres", "sql"},
    "events": {"call", "domain", "sql", "sqlite", "postgres"},
    "telemetry": {"call", "domain", "__init__"},
    "journal": {"call", "domain", "sql", "sqlite", "postgres"},
    "keys": {"domain", "sql", "sqlite", "postgres"},
    "tokens": {"call", "domain"},
    "vault": {"call", "domain", "sql", "sqlite", "postgres"},
    "backends": {"call", "domain", "http", "postgres", "sql", "sqlite"},
    "service": {"call", "domain", "backends/base", "events/event_store", "journal/journal"},
    "server": {
        "call",
        "domain",
        "backends/base",
        "events/event_store",
        "journal/journal",
        "keys/key",
        "keys/key_check",
        "service",
        "tokens/token_check",
        "tokens/token_claims",
        "vault/credential_link",
        "vault/links_of_persons",
        "vault/ticket",
        "vault/tickets",
        "__init__",
    },
    "install": {"domain", "config", "backends/factory", "backends/registry"},
    "sandbox": set(),
    "testing": {"domain", "config", "backends", "http", "journal", "sandbox", "server", "service", "wiring"},
    "state": {"domain", "budgets", "config", "events", "journal", "keys", "postgres", "sql", "vault"},
    "state_copy": {"domain", "backends/local", "journal", "keys", "postgres", "sqlite", "vault"},
    "wiring": {
        "call",
        "domain",
        "config",
        "backends",
        "events",
        "http",
        "journal",
        "keys",
        "service",
        "state",
        "tokens",
        "vault",
    },
}
"""What each part of the package may import besides itself. `cli` and `__main__` may import everything.

The settings are made of what each backend declares in its factory, so `config` reads the registry of factories; a
factory knows nothing of `config`, and is given its settings when it opens its backend.
"""

OWNERS = {
    "mcp": {"server", "testing"},
    "starlette": {"server", "sandbox"},
    "uvicorn": {"server", "sandbox"},
    "httpcore2": {"http"},
    "httpx2": {"http", "testing/keyed_client"},
    "sqlite3": {"sqlite", "backends/local", "journal", "keys", "vault"},
    "psycopg": {"postgres"},
    "cryptography": {"vault"},
    "click": {"cli"},
    "jwt": {"tokens"},
    "platformdirs": {"config"},
    "filelock": {"journal"},
    "keyring": {"config/credentials"},
    "prometheus_client": {"telemetry"},
    "opentelemetry": {"http", "telemetry"},
}
"""The parts that may import each library.

The SDK's client takes the HTTP client that sends a key with each request: a client with a key has to make one.
"""

CATCHES_EVERYTHING = {"http/attempt", "server/internal_error", "service/crash_recovery", "sqlite/worker"}
"""Where `except Exception` is allowed: at the borders to HTTP and to MCP.

The worker hands an exception on: it is raised again where it is awaited.
Recovery logs it: a server must start, and one change must not keep the others from being recovered."""


GROUPS_TASKS = {"call/parallel_work", "sandbox", "server/transports", "server/subscriptions"}
"""Where a bare task group is allowed, which wraps an error: where no call waits for it, and where it is unwrapped."""

PRINTER = "cli/terminal"
"""The only file that prints: it removes what a terminal would obey."""


def test_each_file_imports_only_modules_that_its_folder_allows() -> None:
    offenders = [
        f"{name} imports {target}"
        for name, file in _named()
        if (part := name.split("/")[0]) in MAY_IMPORT
        for target in _ours(file)
        if not _within(target, MAY_IMPORT[part] | {part})
    ]
    assert offenders == []


def test_a_library_is_imported_only_by_its_owner() -> None:
    offenders = [
        f"{name} imports {library}"
        for name, file in _named()
        for library in _facts(file).imports
        if (owners := OWNERS.get(library.split(".")[0])) is not None and not _within(name, owners)
    ]
    assert offenders == []


def test_files_stay_small_and_catch_only_named_errors() -> None:
    offenders = [f"{name}: {found}" for name, file in _named() for found in _facts(file).oversized]
    broad = [name for name, file in _named() if _facts(file).catches_everything and name not in CATCHES_EVERYTHING]
    assert [*offenders, *broad] == []


def test_only_one_file_prints() -> None:
    printing = {"print", "click.echo", "click.secho", "click.echo_via_pager", "sys.stdout.write"}
    offenders = [
        f"{name} calls {call}" for name, file in _named() if name != PRINTER for call in _facts(file).calls & printing
    ]
    assert offenders == []


def test_modules_that_serve_callers_start_no_process_and_evaluate_no_code() -> None:
    starts = {"subprocess", "multiprocessing", "pty", "pickle", "marshal", "shelve", "code"}
    runs = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv", "os.execvp", "os.fork"}
    runs |= {"os.posix_spawn", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "anyio.run_process"}
    apart = {"cli", "install", "testing", "server/demo"}
    served = [(name, _facts(file)) for name, file in _named() if not {name, name.split("/")[0]} & apart]
    offenders = [f"{name}: {one}" for name, facts in served for one in {*facts.imports} & starts | facts.calls & runs]
    assert offenders == []


def test_no_module_remembers_anything_from_one_call_to_the_next() -> None:
    """What is remembered is in an object that belongs to somebody: a module belongs to all persons."""
    offenders = [f"{name}: {one}" for name, file in _named() if "sandbox" not in name for one in _facts(file).kept]
    assert offenders == []


def test_an_error_of_work_side_by_side_reaches_its_caller_unwrapped() -> None:
    offenders = [
        name
        for name, file in _named()
        if "create_task_group" in file.read_text(encoding="utf-8") and not _within(name, GROUPS_TASKS)
    ]
    assert offenders == []


def _named() -> Iterator[tuple[str, Path]]:
    """Each file with its path below the package, without the suffix."""
    return ((file.relative_to(ROOT).with_suffix("").as_posix(), file) for file in FILES)


def _within(name: str, parts: set[str]) -> bool:
    return any(name == part or name.startswith(f"{part}/") for part in parts)


def _ours(file: Path) -> Iterator[str]:
    """The modules of this package that a file imports, as paths below the package."""
    for name in _facts(file).imports:
        if name.startswith("taskhand."):
            yield name.removeprefix("taskhand.").replace("__version__", "__init__").replace(".", "/")


@dataclass(frozen=True)
class Facts:
    """What is asked of a file, which is read once for all rules.

    `imports` are the modules at its top and inside of functions, `calls` what it calls, and `kept` what it keeps for
    all who call: containers that are filled later, and global names.
    """

    imports: tuple[str, ...]
    calls: frozenset[str]
    oversized: tuple[str, ...]
    kept: tuple[str, ...]
    catches_everything: bool


@cache
def _facts(file: Path) -> Facts:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    nodes = [*ast.walk(tree)]
    lines = text.count("\n")
    return Facts(
        tuple(name for node in nodes for name in _imported(node, file)),
        frozenset(ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)),
        (*([f"{lines} lines"] if lines > 400 else []), *(name for node in nodes for name in _oversized(node))),
        tuple(ast.unparse(node) for node in [*filter(_is_kept, tree.body), *_global_names(nodes)]),
        any(map(_catches_everything, nodes)),
    )


def _imported(node: ast.AST, file: Path) -> Iterator[str]:
    """The modules that a statement imports; a relative import is refused."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        assert node.level == 0, f"{file}: write the relative import {module} in full"
        if (ROOT.parent / module.replace(".", "/")).is_dir():
            yield from (f"{module}.{alias.name}" for alias in node.names)
        else:
            yield module


def _oversized(node: ast.AST) -> Iterator[str]:
    """A function over 60 lines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        length = (node.end_lineno or 0) - node.lineno
        if length >= 60:
            yield f"{node.name} has {length} lines"


def _is_kept(node: ast.AST) -> bool:
    """Whether a statement names a container that is filled later."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if isinstance(value, ast.Call):
        makers = {"dict", "list", "set", "defaultdict", "OrderedDict", "WeakKeyDictionary", "WeakValueDictionary"}
        return not value.args and ast.unparse(value.func).partition("[")[0] in makers
    return (isinstance(value, ast.Dict) and not value.keys) or (isinstance(value, ast.List) and not value.elts)


def _global_names(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    return (node for node in nodes if isinstance(node, ast.Global))


def _catches_everything(node: ast.AST) -> bool:
    broad = {"Exception", "BaseException"}
    return isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) in broad)
