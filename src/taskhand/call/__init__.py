"""What belongs to one running call: its deadline, its author, its requests and its concurrent work."""
