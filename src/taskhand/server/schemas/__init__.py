"""The schemas of the tools, as clients see them."""
