"""The benches of this folder: list them, or run all or some, each as a program of its own.

python -m bench [--list] [NAME…]
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
#: not figures: hours of faults, started by `make soak`
APART = frozenset({"__main__", "__init__", "soak"})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="benches to run; without one, all of them")
    parser.add_argument("--list", action="store_true", help="say what there is and run nothing")
    options = parser.parse_args()
    known = benches()
    if unknown := sorted(set(options.names) - known.keys()):
        parser.error(f"there is no bench {', '.join(unknown)}; there are: {', '.join(known)}")
    if options.list:
        width = max(map(len, known))
        for name, about in known.items():
            sys.stdout.write(f"{name:{width}}  {about}\n")
        return 0
    failed: list[str] = []
    for name in options.names or known:
        sys.stdout.write(f"── {name}: {known[name]}\n")
        sys.stdout.flush()
        if subprocess.run([sys.executable, FOLDER / f"{name}.py"]).returncode:
            failed.append(name)
    if failed:
        sys.stdout.write(f"a claim does not hold: {', '.join(failed)}\n")
    return 1 if failed else 0


def benches() -> dict[str, str]:
    """Programs of this folder with the first line of what they say about themselves."""
    found: dict[str, str] = {}
    for path in sorted(FOLDER.glob("*.py")):
        text = path.read_text()
        if path.stem not in APART and '__name__ == "__main__"' in text:
            found[path.stem] = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    return found


if __name__ == "__main__":
    raise SystemExit(main())
