"""The tables of docs/testing_reference.md: every field of what a harness author writes and reads, from the sources."""

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Any, get_args

from taskhand.sandbox import faults
from taskhand.sandbox.request_log import Logged
from taskhand.testing import (
    DATA,
    Bench,
    Called,
    PlannedTask,
    Scenario,
    Setup,
    StoredTask,
    call_pattern,
    scenario,
    script,
)
from taskhand.testing.populated.backend import RouteWord

__all__ = ["harness_tables"]

_FIELDS: dict[str, type] = {
    "setup": Setup,
    "planted": PlannedTask,
    "fault": faults.Fault,
    "scenario": Scenario,
    "scenario_calls": scenario.Calls,
    "scenario_expect": scenario.Expected,
    "scenario_answer": scenario.ExpectedAnswer,
    "scenario_sent": scenario.RequestLimits,
    "scenario_journal": scenario.ChangeLimits,
    "scenario_solution": scenario.Script,
    "scenario_wrong": scenario.Wrong,
    "scenario_call": scenario.ScriptedCall,
}
"""What is written, by the name of its table."""

_READ: dict[str, type] = {"stored_task": StoredTask, "called": Called, "logged": Logged}
"""What is read."""


def harness_tables() -> dict[str, str]:
    """The tables by name. AssertionError for a field that is not described."""
    tables = {f"harness_{name}": _fields(kind) for name, kind in _FIELDS.items()}
    tables |= {f"harness_{name}": _attributes(kind) for name, kind in _READ.items()}
    return tables | {
        "harness_bench": _members(Bench),
        "harness_data": _rows("data set", "holds", ((f"`{one.name}`", one.says) for one in DATA.values())),
        "harness_kinds": _rows("`kind`", "what happens", _kinds()),
        "harness_routes": ", ".join(f"`{word}`" for word in get_args(RouteWord)),
        "harness_patterns": _text(call_pattern),
        "harness_placeholders": _text(script),
    }


def _fields(kind: type) -> str:
    rows = ["| field | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, annotation, default, meaning in _described(kind):
        shown = "required" if default is None else f"`{_escaped(default)}`"
        rows.append(f"| `{name}` | `{_escaped(annotation)}` | {shown} | {meaning} |")
    return "\n".join(rows)


def _attributes(kind: type) -> str:
    described = _described(kind)
    return _rows("attribute", "meaning", ((f"`{name}`: `{_escaped(kind)}`", says) for name, kind, _, says in described))


def _described(kind: type) -> Iterator[tuple[str, str, str | None, str]]:
    """Each field of a class: its name, its type, its default, and the text below it."""
    for node, after in _with_next(kind):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            assert isinstance(after, ast.Expr), f"{kind.__name__}.{node.target.id} is not described"
            assert isinstance(after.value, ast.Constant)
            default = None if node.value is None else _default(ast.unparse(node.value))
            yield node.target.id, _plain_type(node.annotation), default, str(after.value.value)


def _with_next(kind: type) -> list[tuple[ast.stmt, ast.stmt | None]]:
    (tree,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(tree, ast.ClassDef)
    return list(zip(tree.body, [*tree.body[1:], None], strict=True))


def _plain_type(annotation: ast.expr) -> str:
    """The type without its checks: `Annotated[int, ...] | None` is `int | None`."""
    text = ast.unparse(annotation)
    for node in ast.walk(annotation):
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Tuple)
            and "Annotated" in ast.unparse(node.value)
        ):
            text = text.replace(ast.unparse(node), ast.unparse(node.slice.elts[0]))
    return text.replace("Patterns", "tuple[str, ...]")


def _default(source: str) -> str:
    """The default as a person reads it."""
    emptied = re.sub(r"[Ff]ield\(default_factory=dict\)|\b\w+\(\)", "{}", source)
    return emptied.replace("NOW", repr(Setup().clock))


def _members(kind: type) -> str:
    """The public attributes, properties and methods of a class."""
    rows = [(f"`{name}`: `{_escaped(annotation)}`", says) for name, annotation, _, says in _described(kind)]
    for node, _ in _with_next(kind):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            says = ast.get_docstring(node)
            assert says, f"{kind.__name__}.{node.name} is not described"
            rows.append((f"`{_call(node)}`", " ".join(says.split())))
    return _rows("attribute", "meaning", iter(rows))


def _call(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """How a member is used, as the source has it."""
    decorators = {ast.unparse(decorator) for decorator in function.decorator_list}
    returns = "" if function.returns is None else ast.unparse(function.returns)
    if "property" in decorators:
        return f"{function.name}: {_escaped(returns)}"
    function.args.posonlyargs = [argument for argument in function.args.posonlyargs if argument.arg != "self"]
    function.args.args = [argument for argument in function.args.args if argument.arg != "self"]
    word = "async with " if "asynccontextmanager" in decorators else "await " if _is_async(function) else ""
    return _escaped(f"{word}{function.name}({ast.unparse(function.args)})")


def _is_async(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return isinstance(function, ast.AsyncFunctionDef)


def _kinds() -> Iterator[tuple[str, str]]:
    """The kinds of faults, with the comments beside them."""
    found = re.findall(r'^    "(\w+)",  # (.+)$', inspect.getsource(faults), re.MULTILINE)
    assert [kind for kind, _ in found] == list(faults.KINDS)
    for kind, says in found:
        yield f"`{kind}`", says


def _rows(left: str, right: str, rows: Iterator[tuple[str, str]]) -> str:
    return "\n".join([f"| {left} | {right} |", "| --- | --- |", *(f"| {one} | {other} |" for one, other in rows)])


def _text(module: Any) -> str:
    """The docstring of a module without its first sentence."""
    return str(inspect.getdoc(module)).partition("\n\n")[2]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
