"""The access token with which the candidates are called, and the variables of those that check it.

The keys are given to the candidates: the bench has no issuer to ask.
"""

import json
from functools import cache
from time import time

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

ISSUER, AUDIENCE = "https://issuer.shop.example", "storefront"
KEY_ID = "bench"
# Longer than any run.
SECONDS = 24 * 60 * 60


@cache
def _key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def variables() -> dict[str, str]:
    """The environment variables of a candidate that accepts the token."""
    public = RSAAlgorithm.to_jwk(_key().public_key(), as_dict=True)
    keys = {"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]}
    return {
        "OIDC_ISSUER": ISSUER,
        "OIDC_AUDIENCE": AUDIENCE,
        "OIDC_ROLES": "roles",
        "OIDC_KEYS": json.dumps(keys),
    }


@cache
def authorization() -> str:
    """The `Authorization` header of a caller who is staff."""
    now = int(time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "sue",
        "roles": ["staff"],
        "client_id": "bench",
        "iat": now,
        "exp": now + SECONDS,
    }
    headers = {"kid": KEY_ID, "typ": "at+jwt"}
    return f"Bearer {jwt.encode(claims, _key(), algorithm='RS256', headers=headers)}"
