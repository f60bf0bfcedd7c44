"""How far several long operations are, on standard error: bars that are drawn anew on a terminal, JSON lines otherwise."""

import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass

_BAR_CELLS = 20
_LINE_PERIOD_S = 1.0  # between two JSON lines of one operation whose state stays the same


@dataclass(frozen=True)
class Done:
    """Of one operation. Numbers that are not known yet are None."""
    name: str
    state: str
    records: int | None = None
    total: int | None = None   # records
    rate: float | None = None  # records/s
    eta_s: float | None = None


class Progress:
    def __init__(self, stream=None):
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.lines_drawn = 0
        self.last_line: dict[str, tuple[str, float]] = {}  # by name: state, when

    def show(self, operations: list[Done]) -> None:
        if self.live:
            self._draw(operations)
            return
        now = time.monotonic()
        for done in operations:
            state, at = self.last_line.get(done.name, ("", 0.0))
            if done.state != state or now - at >= _LINE_PERIOD_S:
                self.last_line[done.name] = (done.state, now)
                print(json.dumps({name: value for name, value in asdict(done).items() if value is not None}),
                      file=self.stream, flush=True)

    def clear(self) -> None:
        """Before anything else is written."""
        if self.lines_drawn:
            self.stream.write(f"\033[{self.lines_drawn}A\r\033[J")
            self.stream.flush()
            self.lines_drawn = 0

    def _draw(self, operations: list[Done]) -> None:
        columns = shutil.get_terminal_size().columns - 1
        name_width = max((len(done.name) for done in operations), default=0)
        up = f"\033[{self.lines_drawn}A" if self.lines_drawn else ""
        lines = [bar(done, name_width)[:columns] for done in operations]  # a line that wraps would be two
        self.stream.write(up + "\r\033[J" + "".join(line + "\n" for line in lines))
        self.stream.flush()
        self.lines_drawn = len(lines)


def bar(done: Done, name_width: int = 0) -> str:
    text = f"{done.name:<{name_width}}  "
    if done.total and done.records is not None:  # 0: the ends of the logs are not known yet, or there is nothing
        share = min(done.records / done.total, 1.0)
        full = int(share * _BAR_CELLS)
        text += f"[{'#' * full}{'.' * (_BAR_CELLS - full)}] {int(share * 100):>3} %  {done.records:,} of {done.total:,}  "
    if done.rate:
        text += f"{done.rate:,.0f}/s  "
    if done.eta_s is not None:
        text += f"ETA {duration(done.eta_s)}  "
    return text + done.state.replace("_", " ")


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
