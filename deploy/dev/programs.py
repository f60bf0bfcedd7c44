"""Everfold's own programs: how each is started, and when it counts as ready."""

from kafka import SESSION_TIMEOUT_MS
from probes import not_ready
from processes import Service
from settings import PROGRAMS, Settings
from terminal import Failure, shown


def services(settings: Settings) -> list[Service]:
    return [_service(settings, program) for program in PROGRAMS]


def _service(settings: Settings, program: str) -> Service:
    name = f"everfold-{program}"
    binary = settings.binaries / name
    if not binary.exists():
        raise Failure(f"{shown(binary)} is not there: ./dev build --preset {settings.preset} builds it")
    # By environment, since no program takes every setting; the port by flag, so that `ps` tells two copies apart.
    own_kafka = {} if settings.external_brokers else {"EVERFOLD_SESSION_TIMEOUT_MS": SESSION_TIMEOUT_MS}
    environment = {**own_kafka, **settings.environment,
                   "EVERFOLD_BROKERS": settings.brokers,
                   "EVERFOLD_DATA_DIR": str(settings.home / "state" / program),
                   "EVERFOLD_VIEWS_DIR": str(settings.home / "views"),
                   "EVERFOLD_SECRET_FILE": str(settings.secret_file),
                   "EVERFOLD_HTTP_ADDRESS": "127.0.0.1"}
    (settings.home / "state").mkdir(exist_ok=True)
    argv = [str(binary), "--http-port", str(settings.ports[program])]
    # The user's own settings, if any; deploy/config/ has a sample for each program.
    file = settings.home / "config" / f"{program}.toml"
    if file.exists():
        argv += ["--config", str(file)]
    url = settings.url(program)
    return Service(name, argv, settings.ports[program], url, lambda: not_ready(url + "/readyz"), environment,
                   configuration=file.read_text() if file.exists() else "")
