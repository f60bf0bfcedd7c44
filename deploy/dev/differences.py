"""What a verification found, for people: a row's key, both contents, and the fields that differ."""

import json
from collections.abc import Iterator

_ABSENT = object()


def kind(sample: dict) -> str:
    """Seen from the live generation: what switching would change."""
    if sample.get("live") is None:
        return "added"
    return "lost" if sample.get("rebuilt") is None else "changed"


def text_of(sample: dict) -> str:
    """`sample`: key, live, rebuilt; index: it is an entry that leads to a row, and no row."""
    lines = [f"  {kind(sample):<8} {'index entry ' if sample.get('index') else ''}{sample['key']}"]
    lines += [f"    {side:<8} {json.dumps(sample[side], sort_keys=True)}" for side in ("live", "rebuilt")
              if sample.get(side) is not None]
    if kind(sample) == "changed":
        fields = list(fields_that_differ(sample["live"], sample["rebuilt"]))
        lines += [f"    {field}: {_shown(live)} -> {_shown(rebuilt)}" for field, live, rebuilt in fields]
        if not fields:
            lines.append("    the same fields: the bytes differ (unknown fields, or another order)")
    return "\n".join(lines)


def fields_that_differ(live, rebuilt, path: str = "") -> Iterator[tuple[str, object, object]]:
    """("payment.status", "PENDING", "CAPTURED"), ("lines[0].quantity", 1, 2) …"""
    if isinstance(live, dict) and isinstance(rebuilt, dict):
        for name in sorted(live.keys() | rebuilt.keys()):
            where = f"{path}.{name}" if path else name
            yield from fields_that_differ(live.get(name, _ABSENT), rebuilt.get(name, _ABSENT), where)
    elif isinstance(live, list) and isinstance(rebuilt, list):
        for index in range(max(len(live), len(rebuilt))):
            yield from fields_that_differ(*(side[index] if index < len(side) else _ABSENT for side in (live, rebuilt)),
                                          f"{path}[{index}]")
    elif type(live) is not type(rebuilt) or live != rebuilt:
        yield path or "all", live, rebuilt


def _shown(value) -> str:
    return "absent" if value is _ABSENT else json.dumps(value, sort_keys=True)
