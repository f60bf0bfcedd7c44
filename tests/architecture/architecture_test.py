"""Reads the whole tree and names every breach of rules.py by file and line. Argument: another tree to read."""

import sys
from pathlib import Path

import rules

ROOT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]


def main() -> int:
    sources = rules.read(ROOT)
    breaches = rules.breaches(sources)
    for breach in breaches:
        print(breach)
    print(f"{len(sources)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
