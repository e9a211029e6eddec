"""`python -m taskhand` is the command `taskhand`."""

import gc

__all__ = ["main"]


def main() -> None:
    """Run the command."""
    # What loading makes stays: looking for garbage in it takes a tenth of a start. `cli` turns it on again.
    gc.disable()
    from taskhand.cli.main import main as run_command  # noqa: PLC0415  after the line above

    run_command()


if __name__ == "__main__":
    main()
