"""Tasks as values, and the rules about them; nothing here reads or writes anything."""
