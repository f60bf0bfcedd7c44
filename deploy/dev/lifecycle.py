"""up, down and reset: from nothing to a running shop and back."""

import fcntl
import shutil
from contextlib import contextmanager

import build
import gateway
import kafka
import programs
from processes import Service, Supervisor
from settings import Settings
from terminal import Failure, Step, say, shown

# What `reset` deletes of EVERFOLD_HOME: what we made, and nothing that somebody else has put there.
_STATE = ("kafka", "state", "views", "logs", "nginx", "secret", "settings.env", "run")


def up(settings: Settings, build_first: bool = True, deadline_s: float = 120) -> None:
    with _alone(settings):
        if build_first:
            build.install_packages()
            build.build(settings.preset, build.UP_TARGETS)
        settings.prepare_home()
        supervisor = Supervisor(settings)
        _start_kafka(settings, supervisor)
        settings.remember()
        _start("programs", supervisor, programs.services(settings), deadline_s)
        _start("gateway", supervisor, [gateway.service(settings)], deadline_s=20)
    _say_where(settings)


def down(settings: Settings) -> None:
    with _alone(settings):
        _stop_all(settings)


def reset(settings: Settings) -> None:
    with _alone(settings):
        _stop_all(settings)
        deleted = [name for name in _STATE if (settings.home / name).exists()]
        for name in deleted:
            path = settings.home / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    say(f"deleted      {', '.join(deleted) or 'nothing: there was no state'} in {shown(settings.home)}")
    if settings.external_brokers:
        say(f"kept         the topics in {settings.external_brokers}: that cluster is not ours")


def _start_kafka(settings: Settings, supervisor: Supervisor) -> None:
    if settings.external_brokers:
        if reason := kafka.unreachable(settings.external_brokers):
            raise Failure(f"KAFKA_BROKERS={settings.external_brokers} cannot be used: {reason}."
                          " KAFKA_BROKERS= ./dev up starts a Kafka of our own")
        supervisor.stop(["kafka"])  # our own, from before
        say(f"{'kafka':<12} {settings.external_brokers}, as KAFKA_BROKERS says")
        return
    kafka.install()
    with Step("kafka") as step:
        step.progress("preparing")
        service = kafka.service(settings.home / "kafka", settings.ports["kafka"], settings.ports["kafka_controller"])
        _start_within(step, supervisor, [service], deadline_s=60)


def _start(what: str, supervisor: Supervisor, services: list[Service], deadline_s: float) -> None:
    with Step(what) as step:
        _start_within(step, supervisor, services, deadline_s)


def _start_within(step: Step, supervisor: Supervisor, services: list[Service], deadline_s: float) -> None:
    started = [service.name for service in services if supervisor.ensure(service)]
    supervisor.await_ready(services, deadline_s, step.progress)
    if len(started) == len(services):
        step.done("ready")
    else:
        step.done(f"ready; started {', '.join(started)}" if started else "running already")


def _stop_all(settings: Settings) -> None:
    supervisor = Supervisor(settings)
    ours = [name for name in supervisor.recorded() if name not in ("gateway", "kafka")]
    stopped = []
    with Step("down") as step:
        for stage in (["gateway"], ours, ["kafka"]):  # callers first, what they call last
            step.progress(f"stopping {', '.join(stage)}")
            stopped += supervisor.stop(stage)
        step.done(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def _say_where(settings: Settings) -> None:
    say("")
    shop = settings.url("gateway")
    say(f"Shop         {shop}/api/products   (what it can do: {shop}/openapi.json)")
    say(f"Kafka        {settings.brokers}")
    say(f"State, logs  {shown(settings.home)}, {shown(settings.logs)}")
    if settings.environment:
        say("Settings     " + ", ".join(f"{name}={value}" for name, value in sorted(settings.environment.items())))


@contextmanager
def _alone(settings: Settings):
    """One up, down or reset of a home at a time."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
