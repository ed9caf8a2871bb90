"""Counts the lines of /in/input and writes them to the output folder, as the smallest example of a task."""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    arguments = json.load(sys.stdin)
    tell("progress: 0 counting")
    with open("/in/input", "rb") as source:
        lines = sum(1 for _ in source)
    result = {"name": arguments.get("name", "input"), "lines": lines}
    (Path(os.environ["ALONGSIDE_OUTPUT"]) / "count.json").write_text(json.dumps(result))
    tell("progress: 100 written")


def tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


main()
