"""What the user sees: one line a step, rewritten in place on a terminal, and failures that name the log to read."""

import sys
import time
from pathlib import Path


class Failure(Exception):
    """Ends the command with a sentence, and with the end of the log that explains it."""
    exit_status = 1

    def __init__(self, message: str, log: Path | None = None, log_lines: int = 10):
        super().__init__(message)
        self.evidence = []
        if log and log.exists():
            self.evidence = [f"The end of {shown(log)}:", *(f"  | {line[:400]}" for line in last_lines(log, log_lines))]

    def show(self) -> None:
        for line in (f"error: {self}", *self.evidence):
            print(line, file=sys.stderr)


class Usage(Failure):
    """What was asked for cannot be meant."""
    exit_status = 2


def last_lines(path: Path, count: int) -> list[str]:
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 64 * 1024))
        return file.read().decode(errors="replace").splitlines()[-count:]


def shown(path: Path) -> str:
    """The path as the user would type it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def say(text: str) -> None:
    print(text, flush=True)


def table(title: str, rows: list[dict], columns: tuple[str, ...]) -> None:
    if not rows:
        return
    cells = [[title, *(column.upper() for column in columns[1:])]]
    cells += [[_cell(row, column) for column in columns] for row in rows]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    for row in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    say("")


def _cell(row: dict, column: str) -> str:
    value = row.get(column)
    if column == "ready":
        return "yes" if value else f"no: {row['reason']}"
    return "-" if value is None else str(value)


class Step:
    """`with Step("build") as step`: progress while it lasts, then its result and how long it took."""

    def __init__(self, name: str):
        self.name = name
        self.result = ""
        self.live = sys.stdout.isatty()
        self.began = self.last_shown = time.monotonic()

    def __enter__(self) -> "Step":
        if self.live:
            self._rewrite("…")
        return self

    def progress(self, text: str) -> None:
        now = time.monotonic()
        if self.live and now - self.last_shown > 0.1:
            self._rewrite(text)
            self.last_shown = now
        elif not self.live and now - self.last_shown > 10:
            say(f"{self.name:<12} {text}")
            self.last_shown = now

    def done(self, result: str) -> None:
        self.result = result

    def __exit__(self, error_type, error, trace) -> None:
        if self.live:
            sys.stdout.write("\r\033[K")
        if error_type is None:
            seconds = time.monotonic() - self.began
            say(f"{self.name:<12} {self.result}" + (f" ({seconds:.1f} s)" if seconds >= 0.5 else ""))

    def _rewrite(self, text: str) -> None:
        sys.stdout.write(f"\r\033[K{self.name:<12} {text[:100]}")
        sys.stdout.flush()
