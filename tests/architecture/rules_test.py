"""The rules find what they are for: breaches are planted in a small good tree, and each must be seen, alone, where it is."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import rules

_TEST = Path(__file__).with_name("architecture_test.py")

# A tree of one context and one process without a breach.
_GOOD = {
    "CMakeLists.txt": "project(everfold)\nset(EVERFOLD_CONTEXTS orders)\nset(EVERFOLD_PROCESSES checkout)\n",
    "schemas/orders/v1/events.proto": "", "schemas/checkout/v1/events.proto": "", "schemas/carts.hpp": "",
    "schemas/common/money.hpp": '#include "schemas/carts.hpp"\n',
    "kernel/ids.hpp": "#include <string>\n", "kernel/ids.cpp": '#include "kernel/ids.hpp"\n\n#include <openssl/evp.h>\n',
    "runtime/writer/writer.hpp": '#include <chrono>\n\n#include "kernel/ids.hpp"\n',
    "platform/kafka/handle.hpp": "// Private to platform/kafka: owners.\n#include <librdkafka/rdkafka.h>\n",
    "platform/kafka/log.hpp": '// Public.\n#include "runtime/writer/writer.hpp"\n',
    "platform/kafka/log.cpp": '#include "platform/kafka/handle.hpp"\n',
    "command-side/edge/edge.hpp": '#include "platform/kafka/log.hpp"\n',
    "command-side/orders/decider.hpp": '#include "schemas/orders/v1/events.pb.h"\n',
    "command-side/orders/routes.cpp": '#include "command-side/edge/edge.hpp"\n',
    "command-side/orders/README.md": "",
    "projections/timestamp.hpp": "", "projections/orders/orders.hpp": '#include "kernel/ids.hpp"\n',
    "projections/main.cpp": '#include "platform/kafka/log.hpp"\nFoldedView<orders::Orders>\n',
    "command-side/main.cpp": "host<orders::Orders>()\norders::add_command_routes(router, edge)\n",
    "query-api/routes.cpp": "add_orders_routes(routes);\n", "query-api/views.cpp": "Opening<orders::Orders>\n",
    "query-api/orders/routes.cpp": '#include "projections/orders/orders.hpp"\n', "query-api/reads/reads.hpp": "",
    "saga/checkout/decider.hpp": '#include "schemas/checkout/v1/events.pb.h"\n', "saga/checkout/README.md": "",
    "saga/translators/orders_to_checkout.cpp": '#include "runtime/writer/writer.hpp"\n',
    "bench/floor.cpp": '#include <rocksdb/db.h>\n#include "platform/kafka/handle.hpp"\n',
    "tests/unit/orders_decider_test.cpp": "", "tests/unit/checkout_decider_test.cpp": "",
    "docs/guide.md": "[ids](../kernel/ids.hpp) and docs/guide.md\n",
}

_CONTEXTS = "CMakeLists.txt:2"  # where the contexts are listed

# What is planted: a file, its text (None: the file goes), and where the breach must be seen: in which line of it, or
# elsewhere.
_BREACHES = {
    "a decider that sees platform": ("command-side/orders/decider.cpp", '\n#include "platform/kafka/log.hpp"\n', 2),
    "a decider with a clock": ("command-side/orders/decider.cpp", "#include <chrono>\n", 1),
    "a decider that sees its own routes": ("command-side/orders/decider.cpp", '#include "command-side/orders/routes.cpp"\n', 1),
    "a decider that uses a library": ("command-side/orders/decider.cpp", "#include <spdlog/spdlog.h>\n", 1),
    "another context's messages in a decider":
        ("command-side/orders/decider.cpp", '#include "schemas/checkout/v1/events.pb.h"\n', 1),
    "another context's code in routes": ("command-side/edge/call.cpp", '#include "command-side/orders/decider.hpp"\n', 1),
    "a view that sees runtime": ("projections/orders/orders.cpp", '#include "runtime/writer/writer.hpp"\n', 1),
    "a view that reads files": ("projections/orders/orders.cpp", "//\n//\n#include <fstream>\n", 3),
    "a process that sees runtime": ("saga/checkout/decider.cpp", '#include "runtime/writer/writer.hpp"\n', 1),
    "a process that rolls dice": ("saga/checkout/decider.cpp", "#include <random>\n", 1),
    "a translator that sees platform": ("saga/translators/a_to_b.cpp", '  #  include "platform/kafka/log.hpp"\n', 1),
    "a translator that opens sockets": ("saga/translators/a_to_b.cpp", "#include <sys/socket.h>\n", 1),
    "a kernel that sees runtime": ("kernel/money.cpp", '#include "runtime/writer/writer.hpp"\n', 1),
    "a kernel that sees schemas": ("kernel/money.cpp", '#include "schemas/carts.hpp"\n', 1),
    "a runtime that sees platform": ("runtime/tail.cpp", '#include "platform/kafka/log.hpp"\n', 1),
    "a runtime that uses a library": ("runtime/tail.cpp", "#include <rocksdb/db.h>\n", 1),
    "a platform that sees a context": ("platform/kafka/x.cpp", '#include "command-side/orders/decider.hpp"\n', 1),
    "queries that see commands": ("query-api/reads/x.cpp", '#include "command-side/edge/edge.hpp"\n', 1),
    "queries that use a library": ("query-api/reads/x.cpp", "#include <http_parser.h>\n", 1),
    "projections that see queries": ("projections/service.cpp", '#include "query-api/reads/reads.hpp"\n', 1),
    "a tool's library elsewhere": ("tools/replay/dump.cpp", "#include <sqlite3.h>\n", 1),
    "a library in a public header": ("platform/kafka/open.hpp", "// Open.\n#include <librdkafka/rdkafka.h>\n", 2),
    "a private header abroad": ("platform/node/node.cpp", '#include "platform/kafka/handle.hpp"\n', 1),
    "a room that nobody knows": ("attic/x.cpp", "#include <string>\n", 1),
    "a path that is not from the root": ("kernel/money.cpp", '#include "ids.hpp"\n', 1),
    "an include twice": ("kernel/money.cpp", "#include <string>\n\n#include <string>\n", 3),
    "a context without a decider": ("command-side/orders/decider.hpp", None, _CONTEXTS),
    "a context without views": ("projections/orders/orders.hpp", None, _CONTEXTS),
    "a context without queries": ("query-api/orders/routes.cpp", None, _CONTEXTS),
    "a context without tests": ("tests/unit/orders_decider_test.cpp", None, _CONTEXTS),
    "a process without a rule book": ("saga/checkout/README.md", None, "CMakeLists.txt:3"),
    "a decider that nobody hosts": ("command-side/main.cpp", "orders::add_command_routes(router, edge)\n", _CONTEXTS),
    "command routes that nobody adds": ("command-side/main.cpp", "host<orders::Orders>()\n", _CONTEXTS),
    "views that nobody folds": ("projections/main.cpp", "\n", _CONTEXTS),
    "views that nobody follows": ("query-api/views.cpp", "\n", _CONTEXTS),
    "read routes that nobody adds": ("query-api/routes.cpp", None, _CONTEXTS),
    "a folder that is no context": ("query-api/coupons/routes.cpp", "", 1),
    "work left undone": ("kernel/money.cpp", "\n// TODO\n", 2),
    "a test that does not run": ("tests/unit/money_test.cpp", "TEST(Money, DISABLED_Adds) {}\n", 1),
    "a test that skips itself": ("tests/unit/money_test.cpp", "\n\nGTEST_SKIP();\n", 3),
    "a catch of anything": ("kernel/money.cpp", "try {\n} catch ( ... ) {\n}\n", 2),
    "a failure that does not count": ("deploy/x.sh", "make || true\n", 1),
    "somebody's machine": ("docs/x.md", "\nsee /home/ada/everfold\n", 2),
    "a long file": ("kernel/money.cpp", "\n" * 601, 601),
    "a link to nothing": ("docs/x.md", "[gone](gone.txt)\n", 1),
    "a comment that names what is gone": ("kernel/money.cpp", "// docs/decisions/0099-gone.md\n", 1),
}


class Rules(unittest.TestCase):
    def test_the_good_tree_has_no_breach(self):
        self.assertEqual([], self._breaches({}))

    def test_each_planted_breach_is_seen_alone(self):
        for name, (path, text, where) in _BREACHES.items():
            with self.subTest(name):
                found = self._breaches({path: text})
                if text is None:  # whoever included it is a breach as well
                    found = [breach for breach in found if "no path from the root" not in breach.says]
                expected = where if isinstance(where, str) else f"{path}:{where}"
                self.assertEqual([expected], [f"{breach.path}:{breach.line}" for breach in found], found)

    def test_an_exception_is_for_one_include_and_must_be_needed(self):
        (path, included), *_ = rules.EXCEPTIONS
        used = {**_GOOD, included: "", path: f'#include "{included}"\n'}
        of_it = [breach for breach in rules.breaches(used) if breach.path == path]
        self.assertNotIn(included, "".join(breach.says for breach in of_it))
        unused = {**used, path: "\n"}
        self.assertIn(f'does not include "{included}" any more', "".join(breach.says for breach in rules.breaches(unused)))

    def test_the_program_names_file_and_line_and_fails(self):
        with tempfile.TemporaryDirectory() as directory:
            for path, text in {**_GOOD, "kernel/money.cpp": "\n#include <rocksdb/db.h>\n"}.items():
                file = Path(directory, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            ran = subprocess.run([sys.executable, _TEST, directory], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(1, ran.returncode)
        self.assertIn("kernel/money.cpp:2: <rocksdb/db.h>: only platform/ includes it", ran.stdout)

    def _breaches(self, planted: dict[str, str | None]) -> list[rules.Breach]:
        sources = {**_GOOD, **planted}
        return rules.breaches({path: text for path, text in sources.items() if text is not None})


if __name__ == "__main__":
    unittest.main()
