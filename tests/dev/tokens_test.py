"""The tokens of `./dev token` carry the contract's claims and the local key's signature, and the key stays private."""

import base64
import hashlib
import hmac
import json
import stat
import tempfile
import time
import unittest
from pathlib import Path

import everfold_dev  # noqa: F401  (puts deploy/dev on the path)
import tokens
from settings import Settings


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Tokens(unittest.TestCase):
    def test_claims(self):
        header, claims, _ = tokens.token("key", "seller", "s-7").split(".")
        self.assertEqual(json.loads(decoded(header)), {"alg": "HS256", "typ": "JWT"})
        claims = json.loads(decoded(claims))
        self.assertAlmostEqual(claims["iat"], time.time(), delta=5)
        self.assertEqual(claims.pop("exp") - claims.pop("iat"), 24 * 3600)
        self.assertEqual(claims, {"sub": "s-7", "email": "s-7@example.com", "name": "s-7",
                                  "roles": ["seller"], "permissions": [],
                                  "iss": "ecommerce-auth", "aud": "ecommerce-services"})

    def test_signature(self):
        signed, _, signature = tokens.token("key", "user").rpartition(".")
        self.assertEqual(decoded(signature), hmac.digest(b"key", signed.encode(), hashlib.sha256))

    def test_the_key_is_made_once_and_only_its_owner_reads_it(self):
        with tempfile.TemporaryDirectory() as directory:
            settings = Settings(Path(directory) / "home", "", {}, {})
            key = settings.secret()
            self.assertRegex(key, "^[0-9a-f]{64}$")
            self.assertEqual(settings.secret(), key)
            self.assertEqual(stat.S_IMODE(settings.secret_file.stat().st_mode), 0o600)


if __name__ == "__main__":
    unittest.main()
