"""The MCP server: the only folder that imports `mcp`."""
