"""Rules, how often each was asked, and who broke it."""

from collections.abc import Callable, Iterator

_EXAMPLES = 5


class Rule:
    def __init__(self, name: str):
        self.name = name
        self.checked = 0
        self.broken = 0
        self.examples: list[str] = []

    def check(self, holds: bool, says: Callable[[], str]) -> bool:
        """`says` is asked only when it does not hold."""
        self.checked += 1
        if not holds:
            self.broken += 1
            if len(self.examples) < _EXAMPLES:
                self.examples.append(says())
        return holds


class Verdicts:
    def __init__(self):
        self._rules: dict[str, Rule] = {}
        self.counts: dict[str, int] = {}  # what is no error and worth knowing

    def rule(self, name: str) -> Rule:
        return self._rules.setdefault(name, Rule(name))

    def count(self, what: str, times: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + times

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    @property
    def broken(self) -> list[Rule]:
        return [rule for rule in self if rule.broken]

    def as_json(self) -> dict:
        return {"passed": not self.broken, "counts": self.counts,
                "rules": [{"rule": rule.name, "checked": rule.checked, "broken": rule.broken, "examples": rule.examples}
                          for rule in self]}

    def as_text(self) -> str:
        lines = [f"  {what}: {times}" for what, times in self.counts.items()]
        for rule in self:
            lines.append(f"  {'BROKEN' if rule.broken else 'ok    '}  {rule.name}: {rule.checked} checked"
                         + (f", {rule.broken} broken" if rule.broken else ""))
            lines += [f"            {example}" for example in rule.examples]
        return "\n".join(lines)
