"""Asking programs over HTTP how they are."""

import http.client
import json
import urllib.error
import urllib.request


def get_json(url: str, timeout_s: float = 2) -> tuple[int, dict]:
    """Status and JSON body; status 0 with an "error" when nobody answers in time or sensibly."""
    try:
        try:
            with urllib.request.urlopen(url, timeout=timeout_s) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())
    except (OSError, http.client.HTTPException) as error:
        return 0, {"error": str(getattr(error, "reason", error))}
    except ValueError:
        return 0, {"error": "answered something that is not JSON"}


def not_ready(url: str) -> str | None:
    """None when the program's readiness URL answers 200, otherwise why it does not."""
    status, body = get_json(url)
    if status == 200:
        return None
    reason = body.get("message") or body.get("reason") or body.get("error") or json.dumps(body)
    return f"{reason}" if status in (0, 503) else f"{url} answers {status}: {reason}"
