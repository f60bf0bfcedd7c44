"""everfold-replay saga --dry-run: nothing to find in what a real shop did; a changed table of a translator is found,
with both contents."""

import json
import subprocess
import unittest
from pathlib import Path

from past import trade
from shop import Shop, binaries_from_arguments, until

BINARIES = None


class DryRun(unittest.TestCase):
    def setUp(self):
        self.shop = Shop(BINARIES)
        self.addCleanup(self.shop.close)
        self.shop.start()

    def dry_run(self, *arguments):
        """Its exit status, its lines but the last, and the last."""
        done = subprocess.run([Path(BINARIES) / "everfold-replay", "saga", "--dry-run", *arguments],
                              env={**self.shop.environment, "EVERFOLD_REPLAY_CACHE_DIR": ""},
                              stdin=subprocess.DEVNULL, timeout=120, capture_output=True, text=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, lines[:-1], lines[-1] if lines else done.stderr

    def test_a_real_shop(self):
        orders, _, _ = trade(self.shop)

        # Positions of consumer groups are written a moment after what they stand for.
        status, differences, sums = until("everything is handled", lambda: (lambda ran: ran if ran[0] != 0 or (
            ran[2]["commands"]["notYet"] == ran[2]["decisions"]["notYet"] == 0) else None)(self.dry_run("checkout")))
        self.assertEqual((status, differences), (0, []), sums)
        self.assertGreater(sums["commands"]["same"], 8 * len(orders))
        self.assertGreater(sums["decisions"]["same"], 3 * len(orders))
        self.assertEqual(sums["decisions"]["notChecked"], 0)

        # Today's table gives checkouts a second more.
        status, differences, sums = self.dry_run("checkout", "--payment-timeout-s", "901")
        self.assertEqual(status, 1)
        self.assertEqual({line["translator"] for line in differences}, {"orders_to_checkout"})
        self.assertEqual({line["today"]["aggregateId"] for line in differences}, set(orders.values()))
        for line in differences:
            self.assertEqual((line["compared"], line["difference"]), ("command", "different"))
            today, sent = line["today"]["data"], line["sent"]["data"]
            self.assertEqual({**today, "expiresAt": None}, {**sent, "expiresAt": None})
            self.assertLess(sent["expiresAt"], today["expiresAt"])
        self.assertEqual(sums["commands"]["different"], len(orders))

        self.assertEqual(self.dry_run("nobody")[0], 2)


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main(verbosity=2)
