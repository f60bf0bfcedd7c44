"""What a bad disk or a careless hand does to a program's local RocksDB files while the program is down."""

import os
import random
from pathlib import Path

_NOT_DATA = ("LOCK", "LOG", "IDENTITY", "ballast")  # nobody reads these


def damage(directory: Path, rng: random.Random) -> str:
    """Flips bytes of a file, cuts its end off, or deletes it. Says what was done."""
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.stat().st_size
                   and not path.name.startswith(_NOT_DATA))
    if not files:
        return "nothing: there were no files"
    path = rng.choice(files)
    size = path.stat().st_size
    name = f"{path.relative_to(directory)} ({size} bytes)"
    how = rng.choice(("flip", "truncate", "delete"))
    if how == "delete":
        path.unlink()
        return f"deleted {name}"
    if how == "truncate":
        left = rng.randrange(size)
        os.truncate(path, left)
        return f"truncated {name} to {left}"
    at, count = rng.randrange(size), rng.choice((1, 16, 4096))
    with path.open("r+b") as file:
        file.seek(at)
        old = file.read(count)
        file.seek(at)
        file.write(bytes(byte ^ rng.randint(1, 255) for byte in old))
    return f"flipped {len(old)} bytes at {at} of {name}"
