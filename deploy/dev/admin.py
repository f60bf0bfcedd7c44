"""The programs' admin routes, asked as the local administrator: your user name is what they note."""

import getpass
import http.client
import json
import urllib.error
import urllib.request

import tokens
from settings import Settings
from terminal import Failure

_TIMEOUT_S = 20


class Away(Failure):
    """Nobody answers there, just now."""


def call(settings: Settings, program: str, method: str, path: str, body: dict | None = None,
         may_be_missing: bool = False, timeout_s: float = _TIMEOUT_S) -> dict | None:
    """`path`: behind /admin/. None: 404, where that may be. Failure with the program's own sentence when it refuses."""
    token = tokens.token(settings.secret(), "admin", getpass.getuser())
    request = urllib.request.Request(
        f"{settings.url(program)}/admin/{path}", method=method,
        data=json.dumps(body or {}).encode() if method == "POST" else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        if may_be_missing and refused.code == 404:
            return None
        raise Failure(f"everfold-{program}: {_message(refused)}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Away(f"everfold-{program} does not answer at {settings.url(program)}: {error}") from None


def _message(refused: urllib.error.HTTPError) -> str:
    body = json.loads(refused.read())
    details = "; ".join(f"{detail['field']}: {detail['message']}" for detail in body.get("details") or [])
    return body["message"] + (f" ({details})" if details else "")
