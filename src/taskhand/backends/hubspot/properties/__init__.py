"""Task properties that have no argument of their own."""
