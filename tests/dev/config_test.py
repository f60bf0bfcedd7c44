"""The samples in deploy/config name exactly the settings that the programs have. Argument: the directory of the programs."""

import re
import subprocess
import sys
import tomllib
import unittest
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "deploy/config"
BINARIES = Path(sys.argv.pop())

# Said by one call, not configured: they have no place in a file.
NOT_SETTINGS = {"help", "version", "config", "fold-once"}


class Samples(unittest.TestCase):
    def test_each_names_its_programs_settings(self):
        for sample in sorted(SAMPLES.glob("*.toml")):
            with self.subTest(sample.stem):
                text = subprocess.run([BINARIES / f"everfold-{sample.stem}", "--help"], check=True, text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout
                settings = set(re.findall(r"^ +(?:-\w,)?--([a-z-]+)", text, re.MULTILINE)) - NOT_SETTINGS
                self.assertEqual(set(tomllib.loads(sample.read_text())), settings)


if __name__ == "__main__":
    unittest.main()
