"""The gateway: nginx before everfold-query and everfold-command, as deploy/nginx/gateway.conf.template says."""

import json
import os
import resource
import shutil
from pathlib import Path
from string import Template

from probes import not_ready
from processes import Service
from settings import ROOT, Settings
from terminal import Failure

_TEMPLATE = ROOT / "deploy/nginx/gateway.conf.template"

# Of one client address at the same time: a quarter of what a program answers at once, so that one cannot have it all.
CLIENT_REQUESTS = 512

# What nginx answers by itself, in the programs' error body: status → (error, message).
_ERRORS = {
    400: ("ValidationError", "The request is not valid HTTP."),
    404: ("NotFound", "There is nothing at this address: the API is under /api/, its description at /openapi.json."),
    405: ("MethodNotAllowed", "This method is not one that this address answers."),
    408: ("RequestTimeout", "The request did not arrive in time."),
    413: ("PayloadTooLarge", "The request body is larger than 1 MiB."),
    429: ("TooManyRequests", "Too many of your requests are being answered at the same time. Nothing was done: wait for "
                             "answers, then try again."),
    414: ("UriTooLong", "The address is too long."),
    431: ("RequestHeadersTooLarge", "The request headers are too large."),
    500: ("InternalError", "The gateway could not handle this request."),
    503: ("Unavailable", "No answer came: it may or may not have been done. Retry, with the same Idempotency-Key."),
}
_HEADERS = {405: ["Allow $allowed_methods"], 429: ["Retry-After $retry_after"], 503: ["Retry-After $retry_after"]}
# nginx's own codes and those that callers are told differently.
_TOLD_AS = {494: 431, 501: 400, 505: 400, 502: 503, 504: 503}


def service(settings: Settings) -> Service:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not nginx:
        raise Failure("There is no nginx: ./dev up installs it on Debian")
    directory = settings.home / "nginx"
    (directory / "tmp").mkdir(parents=True, exist_ok=True)
    text = _configuration(settings, directory)
    file = directory / "nginx.conf"
    file.write_text(text)
    argv = [nginx, "-e", str(settings.logs / "gateway.log"), "-p", str(directory), "-c", str(file)]
    url = settings.url("gateway")
    return Service("gateway", argv, settings.ports["gateway"], url, lambda: not_ready(url + "/healthz"),
                   configuration=text)


def _configuration(settings: Settings, directory: Path) -> str:
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 16384 if hard_limit == resource.RLIM_INFINITY else min(16384, hard_limit)
    return Template(_TEMPLATE.read_text()).substitute(
        user="user root;" if os.geteuid() == 0 else "",  # otherwise nginx would give its files to www-data
        files=files,
        connections=files // 2,
        client_requests=CLIENT_REQUESTS,
        directory=directory,
        log=settings.logs / "gateway.log",
        gateway_port=settings.ports["gateway"],
        command_port=settings.ports["command"],
        query_port=settings.ports["query"],
        error_pages="\n".join(_error_pages()))


def _error_pages() -> list[str]:
    # Ordinary internal addresses, not named locations: nginx refuses to go to those from a request line without a path.
    lines = [f"    error_page {status} /@{status};" for status in _ERRORS]
    lines += [f"    error_page {own} ={told} /@{told};" for own, told in _TOLD_AS.items()]
    for status, (error, message) in _ERRORS.items():
        body = json.dumps({"error": error, "message": message, "details": [], "traceId": "$trace_id"})
        lines.append(f"    location = /@{status} {{")
        lines.append("      internal;")
        lines += [f"      add_header {header} always;" for header in _HEADERS.get(status, [])]
        lines.append("      add_header X-Correlation-ID $correlation_id always;")
        lines.append(f"      return {status} '{body}';")
        lines.append("    }")
    return lines
