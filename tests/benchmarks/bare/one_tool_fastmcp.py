"""The minimal server in fastmcp."""

from fastmcp import FastMCP  # type: ignore[import-not-found]  # it is in an environment of its own

server = FastMCP("bare")


@server.tool  # type: ignore[untyped-decorator]  # as above
def hello(name: str) -> str:
    """Say the name."""
    return name


server.run("stdio", show_banner=False)
