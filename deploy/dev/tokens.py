"""JSON Web Tokens signed with the local key, for trying things out: the claims of the contract, HS256."""

import base64
import hashlib
import hmac
import json
import time

ROLES = ("admin", "seller", "user")
_DAY_S = 24 * 60 * 60


def token(secret: str, role: str, subject: str | None = None) -> str:
    subject = subject or f"{role}-1"
    now = int(time.time())
    claims = {"sub": subject, "email": f"{subject}@example.com", "name": subject, "roles": [role], "permissions": [],
              "iat": now, "exp": now + _DAY_S, "iss": "ecommerce-auth", "aud": "ecommerce-services"}
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(signature)}"


def _encoded(part: dict) -> str:
    return _base64url(json.dumps(part, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
