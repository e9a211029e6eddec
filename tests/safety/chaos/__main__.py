"""`python -m safety.chaos SECONDS SEED [BACKEND…]`: chaos for a while on each; exits with 1 if something was wrong."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from postgres_server import open_database
from safety.chaos.accounts import BACKENDS
from safety.chaos.run import ChaosPlan, run_chaos


def main(backend: str, seconds: str, seed: str) -> int:
    """Print what happened and what is wrong."""
    with open_database() as database, TemporaryDirectory() as folder:
        report = run_chaos(ChaosPlan(backend, float(seconds), int(seed)), database, Path(folder))
    lines = [f"{backend}, seed {seed}: {dict(report.happened)}; tasks: {report.tasks}"]
    lines += [f"{count:8} {answer}" for answer, count in sorted(report.answers.items())]
    lines += [f"WRONG {fault}" for fault in report.wrong]
    sys.stdout.write("\n".join([*lines, f"wrong: {len(report.wrong)}", ""]))
    return 1 if report.wrong else 0


if __name__ == "__main__":
    _, seconds, seed, *backends = sys.argv
    for backend in backends or BACKENDS:
        if main(backend, seconds, seed):
            sys.exit(1)
