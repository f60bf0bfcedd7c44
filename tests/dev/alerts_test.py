"""deploy/prometheus/alerts.yml names metrics that the programs have, and every rule says what it is about."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = (ROOT / "deploy/prometheus/alerts.yml").read_text()


def metrics_of_the_programs():
    found = set()
    for room in ("platform", "runtime", "command-side", "saga", "projections", "query-api"):
        for source in (ROOT / room).rglob("*.cpp"):
            found |= set(re.findall(r'"(everfold_[a-z_]+)"', source.read_text()))
    return found


class Alerts(unittest.TestCase):
    def test_every_metric_exists(self):
        expressions = re.findall(r"^ +expr: (.*)$", RULES, re.MULTILINE)
        named = {re.sub(r"_(bucket|count|sum)$", "", name) for e in expressions for name in re.findall(r"everfold_[a-z_]+", e)}
        self.assertGreater(len(named), 5)
        self.assertEqual(named - metrics_of_the_programs(), set())

    def test_every_label_that_an_expression_groups_by_is_published(self):
        sources = "".join(f.read_text() for room in ("platform", "saga", "projections") for f in (ROOT / room).rglob("*.cpp"))
        for labels in re.findall(r"by \(([a-z, ]+)\)", RULES):
            for label in labels.split(", "):
                if label not in ("job", "instance"):  # Prometheus' own
                    self.assertIn(f'{{"{label}", ', sources, label)

    def test_every_rule_says_what_it_means(self):
        rules = RULES.split("- alert: ")[1:]
        for rule in rules:
            name = rule.split("\n")[0]
            with self.subTest(name):
                for part in ("expr: ", "severity: ", "summary: ", "description: "):
                    self.assertEqual(len(re.findall(rf"^ +{part}\S", rule, re.MULTILINE)), 1, part)
        self.assertEqual(len({rule.split("\n")[0] for rule in rules}), len(rules))

    def test_what_nobody_looked_at_is_among_them(self):
        self.assertRegex(RULES, r"everfold_parked_unlooked_seconds\) > 300")


if __name__ == "__main__":
    unittest.main()
