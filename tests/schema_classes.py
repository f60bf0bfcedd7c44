"""The Protobuf messages of schemas/ for Python tests, in a directory that goes away with the process."""

import atexit
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def make_schema_classes():
    """From here on `from schemas.orders.v1 import events_pb2` works, and so does importing docs/log_reader.py."""
    directory = tempfile.mkdtemp(prefix="everfold-schemas-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    files = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("schemas/**/*.proto"))]
    subprocess.run(["protoc", f"--python_out={directory}", *files], cwd=ROOT, check=True)
    sys.path[:0] = [directory, str(ROOT / "docs")]
