"""Waiting for a condition, with a deadline."""

import time


def until(what: str, condition, seconds: float, period_s: float = 0.05):
    """The condition's value as soon as it is truthy; TimeoutError when it is not within the time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(period_s)
    return value


def now_ms() -> int:
    return time.time_ns() // 1_000_000
