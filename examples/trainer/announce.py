"""Tells a running Wellspring that a model it calls has a new version: from then on its calls go there, without a restart.

    python announce.py problem-writer --model writer --version 7 -- npx wellspring models announce --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081

What follows `--` is the command to ask; it knows which step of rationale learning begins with the announcement (docs/em.md).
"""

import argparse
import json
import subprocess
from typing import Any


def announce(command: list[str], role: str, model: str, version: str) -> dict[str, Any]:
    """Announces a version. @returns the announcement as it stands in the topic `models`; raises RuntimeError with the command's own words."""
    parts = [*command, role, "--model", model, "--version", version, "--json"]
    done = subprocess.run(parts, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{command[0]} ended with exit code {done.returncode}")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description="Announces a version of a model to a running Wellspring.")
    parser.add_argument("role", choices=["problem-writer", "rationale-writer"])
    parser.add_argument("--model", required=True, help="the name that its endpoint serves it under")
    parser.add_argument("--version", required=True, help="your name for these weights")
    parser.add_argument("command", nargs="+", help="after --: the command `wellspring models announce` with its place")
    options = parser.parse_args()
    try:
        print(json.dumps(announce(options.command, options.role, options.model, options.version)))
    except RuntimeError as error:
        raise SystemExit(f"announce: {error}") from error


if __name__ == "__main__":
    main()
