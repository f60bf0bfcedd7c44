"""Where everything lies and on which port: from flags, then the environment, then what an earlier `up` was given
(EVERFOLD_HOME/settings.env), then the defaults."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from terminal import Failure

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("command", "query", "projector", "saga")

# Not remembered by `up`: they choose the home itself, or concern one call only.
_NOT_REMEMBERED = {"EVERFOLD_HOME", "EVERFOLD_PRESET", "EVERFOLD_URL"}
_DEFAULT_PORTS = {"gateway": 8080, "command": 8081, "query": 8082, "projector": 8083, "saga": 8084,
                  "kafka": 9092, "kafka_controller": 9093}
_PORT_OFFSETS = {"gateway": 0, "command": 1, "query": 2, "projector": 3, "saga": 4,
                 "kafka": 1000, "kafka_controller": 1001}


@dataclass(frozen=True)
class Settings:
    home: Path
    preset: str                   # which build runs: build/<preset>/bin
    environment: dict[str, str]   # the EVERFOLD_… variables (and KAFKA_BROKERS) in force, remembered ones included
    ports: dict[str, int]

    @property
    def external_brokers(self) -> str | None:
        return self.environment.get("KAFKA_BROKERS")

    @property
    def brokers(self) -> str:
        return self.external_brokers or f"127.0.0.1:{self.ports['kafka']}"

    @property
    def binaries(self) -> Path:
        return ROOT / "build" / self.preset / "bin"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def secret_file(self) -> Path:
        return self.home / "secret"

    def url(self, program: str) -> str:
        return f"http://127.0.0.1:{self.ports[program]}"

    def prepare_home(self) -> None:
        """Makes the home and its signing key."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.secret()

    def remember(self) -> None:
        """For the calls that follow, which need not be told again."""
        _write_remembered(self.home / "settings.env", self.environment)

    def secret(self) -> str:
        """The local signing key, made when it is first needed; only its owner may read it."""
        if not self.secret_file.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.secret_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
        return self.secret_file.read_text().strip()


def load(home: str | None, port_base: int | None, preset: str | None) -> Settings:
    given = {name: value for name, value in os.environ.items()
             if (name.startswith("EVERFOLD_") or name == "KAFKA_BROKERS") and name not in _NOT_REMEMBERED}
    if port_base is not None:
        given["EVERFOLD_PORT_BASE"] = str(port_base)
    where = Path(home or os.environ.get("EVERFOLD_HOME") or ROOT / ".everfold").absolute()
    environment = {**_read_remembered(where / "settings.env"), **given}
    if not environment.get("KAFKA_BROKERS"):
        environment.pop("KAFKA_BROKERS", None)  # set but empty: our own Kafka again
    return Settings(home=where, preset=preset or os.environ.get("EVERFOLD_PRESET") or "release",
                    environment=environment, ports=_ports(environment))


def _ports(environment: dict[str, str]) -> dict[str, int]:
    base = environment.get("EVERFOLD_PORT_BASE")
    ports = {}
    for program, default in _DEFAULT_PORTS.items():
        own = environment.get(f"EVERFOLD_{program.upper()}_PORT")
        try:
            ports[program] = int(own) if own else int(base) + _PORT_OFFSETS[program] if base else default
        except ValueError:
            raise Failure(f"The port of {program} is not a number: {own or base!r}") from None
        if not 0 < ports[program] < 65536:
            raise Failure(f"The port of {program} would be {ports[program]}: ports go from 1 to 65535")
    return ports


def _read_remembered(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _write_remembered(path: Path, environment: dict[str, str]) -> None:
    text = "# What `./dev up` was last given, for the calls that follow. The environment and flags win over it.\n"
    text += "".join(f"{name}={value}\n" for name, value in sorted(environment.items()))
    if not path.exists() or path.read_text() != text:
        path.touch(mode=0o600)
        path.write_text(text)
