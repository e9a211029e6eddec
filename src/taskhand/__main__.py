"""`python -m taskhand` is the command `taskhand`."""

from taskhand.cli.main import main

main()
