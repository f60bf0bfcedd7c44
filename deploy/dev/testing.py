"""./dev test: builds everything once, gives the tests a Kafka of their own, and runs them with ctest. The whole suite
(no layer, the preset dev) then has the fuzz targets look for something new, for a short time. The layer `sanitizers` runs
the test programs under ASan, UBSan and TSan."""

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import build
import fuzzing
import kafka
import settings
from ports import free_ports
from processes import Supervisor
from terminal import Step

_FUZZ_SECONDS = 10  # each target, two at a time
# Each is a preset, a label of the tests that run in it and the beginning of the target that builds those.
_SANITIZERS = ("asan", "tsan")
_SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={settings.ROOT}/tests/tsan.supp",
}


def run(preset: str, layer: str | None, tests_regex: str | None) -> int:
    """0 when all passed."""
    build.install_packages()
    build.install_python_packages()
    kafka.install()
    if layer == "sanitizers":
        return _sanitizers(tests_regex)
    build.build(preset, [])
    whole = preset == "dev" and not tests_regex
    with brokers() as address:
        failed = _ctest(preset, layer, tests_regex, address)
    if whole and layer in (None, "fuzz"):
        failed = fuzzing.run([], _FUZZ_SECONDS) or failed
    return failed


def _sanitizers(tests_regex: str | None) -> int:
    failed = 0
    with brokers() as address:
        for sanitizer in _SANITIZERS:
            build.build(sanitizer, [f"{sanitizer}_tests"])
            failed = _ctest(sanitizer, sanitizer, tests_regex, address) or failed
    return failed


def _ctest(preset: str, label: str | None, tests_regex: str | None, brokers_address: str) -> int:
    command = ["ctest", "--test-dir", settings.ROOT / "build" / preset, "--output-on-failure", "--no-tests=error"]
    command += ["--label-regex", f"^{label}$"] if label else []
    command += ["--tests-regex", tests_regex] if tests_regex else []
    own_kafka = {} if "KAFKA_BROKERS" in os.environ else {"EVERFOLD_SESSION_TIMEOUT_MS": kafka.SESSION_TIMEOUT_MS}
    return subprocess.run(command, stdin=subprocess.DEVNULL,
                          env={**_SANITIZER_OPTIONS, **own_kafka, **os.environ, "KAFKA_BROKERS": brokers_address}).returncode


@contextmanager
def brokers():
    """KAFKA_BROKERS if set; otherwise a broker on free ports with its data in a directory that goes away with it."""
    if given := os.environ.get("KAFKA_BROKERS"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="everfold-kafka-") as directory:
        private = settings.Settings(home=Path(directory), preset="", environment={}, ports={})
        private.logs.mkdir()
        supervisor = Supervisor(private)
        port, controller_port = free_ports(2)
        service = kafka.service(private.home / "kafka", port, controller_port)
        try:
            with Step("kafka") as step:
                supervisor.ensure(service)
                supervisor.await_ready([service], 60, step.progress)
                step.done(f"127.0.0.1:{port}, for this run only")
            yield f"127.0.0.1:{port}"
        finally:
            supervisor.stop(["kafka"])
