"""Texts of TOML as people and programs write them, for property tests."""

from hypothesis import strategies as st

__all__ = ["toml_texts"]

_VALUES = st.sampled_from(
    [
        '"plain"',
        "'it''s'".replace("''", ""),
        '"with # and \\" and ]"',
        '"""two\n[not.a.table]\n"quoted" text"""""',
        "'''raw \\ 'x'\n# no comment'''",
        "1",
        "-0.5e3",
        "nan",
        "true",
        "1979-05-27 07:32:00.5",
        "[]",
        '[ # why\n  "a", # b\n  [1, 2], { x = "}" },\n]',
        '{ a = "1", "b c" = [ "," ], d.e = 2 }',
    ]
)
_COMMENTS = st.sampled_from(["", "# mine", '# [mcp_servers.taskhand] "x"'])
_SERVERS = st.sampled_from(
    [
        "[mcp_servers]",
        "[mcp_servers]\ngh = { command = 'npx' }",
        '[mcp_servers.gh]\ncommand = "npx"',
        '[mcp_servers.gh]\n  command = "npx" # here\n  e.A = "1"\n\n# why B\n[mcp_servers.gh.env]\nB = "2"',
        '[ mcp_servers . "taskhand" ]\n# moved\n  command = "old" # mine\n\n  [mcp_servers.taskhand.env]\n  A = "1"',
        '[mcp_servers."task.hand"]\ncommand = "x"',
    ]
)


@st.composite
def toml_texts(draw: st.DrawFn) -> str:
    """A text with tables in any order, comments, and the servers in one of their forms."""
    blocks = []
    for number in range(draw(st.integers(0, 3))):
        head = draw(st.sampled_from([f"[table{number}]", f'[projects."/home/{number}"]', "[[many]]", "[[many]]"]))
        blocks.append("\n".join([head, *_pairs(draw)]))
    servers = draw(st.lists(_SERVERS, max_size=1))
    blocks = draw(st.permutations([*blocks, *servers]))
    root = _pairs(draw)
    text = draw(st.sampled_from(["\n", "\n\n"])).join([*root, *blocks]) + draw(st.sampled_from(["", "\n", "\n# end\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def _pairs(draw: st.DrawFn) -> list[str]:
    """Lines with a name and its value, and comments."""
    lines: list[str] = []
    for number in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from([f"key{number}", f'"a b{number}"', f"dotted.{number}"]))
        lines += [draw(_COMMENTS), f"{name} = {draw(_VALUES)} {draw(_COMMENTS)}"]
    return lines
