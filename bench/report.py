"""The figures: each beside its floor, as a ratio, with the mark that it should reach."""

import os
from dataclasses import dataclass, field
from statistics import median

from terminal import say

# What the programs and the broker use while they wait is less.
_QUIET_CORES = 0.25


@dataclass(frozen=True)
class Round:
    measured: float
    floor: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    floor_parts: dict[str, float] = field(default_factory=dict)  # what the floor was worked out from

    @property
    def ratio(self) -> float:
        return self.measured / self.floor


@dataclass(frozen=True)
class Result:
    name: str
    unit: str        # of `measured` and `floor`: "/s" (more is better) or "ms" (less is better)
    mark: float      # of the ratio
    rounds: list[Round]

    @property
    def ratio(self) -> float:
        return median(each.ratio for each in self.rounds)

    @property
    def less_is_better(self) -> bool:
        return self.unit == "ms"

    @property
    def reached(self) -> bool:
        return self.ratio <= self.mark if self.less_is_better else self.ratio >= self.mark

    def middle(self, figure: str) -> float | None:
        values = [getattr(each, figure) for each in self.rounds]
        return None if None in values else median(values)


def as_json(results: list[Result], busy_cores: float) -> dict:
    return {"cores": os.cpu_count(), "busyByOthers": busy_cores, "quiet": busy_cores <= _QUIET_CORES,
            "allMarksReached": all(result.reached for result in results),
            "results": [_result_json(result) for result in results]}


def print_table(results: list[Result], busy_cores: float) -> None:
    rows = [("", "MEASURED", "FLOOR", "RATIO", "LOWEST–HIGHEST", "MARK", "P50", "P99", "")]
    rows += [_row(result) for result in results]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    say("")
    for row in rows:
        say("  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                      for column, (cell, width) in enumerate(zip(row, widths))).rstrip())
    say("")
    for result in results:
        if result.rounds[0].floor_parts:
            parts = {name: median(each.floor_parts[name] for each in result.rounds)
                     for name in result.rounds[0].floor_parts}
            say(f"{result.name}: the floor is worked out from "
                + " and ".join(f"{name} {value:,.0f}{result.unit}" for name, value in parts.items()))
    short = [result.name for result in results if not result.reached]
    say(f"Short of the mark: {'; '.join(short)}." if short else "Every mark is reached.")
    if busy_cores > _QUIET_CORES:
        say(f"But something else used up to {busy_cores:.1f} of the {os.cpu_count()} cores meanwhile:"
            " these figures say little. Repeat it on a quiet machine.")


def _row(result: Result) -> tuple[str, ...]:
    ratios = [each.ratio for each in result.rounds]
    return (result.name, _figure(result.middle("measured"), result.unit), _figure(result.middle("floor"), result.unit),
            f"{result.ratio:.2f}", f"{min(ratios):.2f}–{max(ratios):.2f}",
            f"{'≤' if result.less_is_better else '≥'} {result.mark:g}",
            _figure(result.middle("p50_ms"), "ms"), _figure(result.middle("p99_ms"), "ms"),
            "PASS" if result.reached else "short")


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}{unit}" if unit == "/s" else f"{value:.2f} {unit}"


def _result_json(result: Result) -> dict:
    return {"name": result.name, "unit": result.unit,
            "measured": result.middle("measured"), "floor": result.middle("floor"), "ratio": result.ratio,
            "mark": result.mark, "lessIsBetter": result.less_is_better, "reached": result.reached,
            "p50Ms": result.middle("p50_ms"), "p99Ms": result.middle("p99_ms"),
            "rounds": [{"measured": each.measured, "floor": each.floor, "ratio": each.ratio, "p50Ms": each.p50_ms,
                        "p99Ms": each.p99_ms, "floorParts": each.floor_parts} for each in result.rounds]}
