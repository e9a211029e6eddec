"""The board: a page with tasks, plans and changes, for hosts that show pages beside an answer."""
