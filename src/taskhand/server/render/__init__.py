"""What an agent reads of answers and errors."""
