"""A handler behind a check of the access token, as PyJWT's documentation advises.

https://pyjwt.readthedocs.io/en/stable/usage.html
"""

import json
import os

import jwt
from app import handler as app_handler

KEYS = jwt.PyJWKSet.from_json(os.environ["OIDC_KEYS"])


def handler(event, context):
    token = event["headers"].get("Authorization", "").removeprefix("Bearer ")
    try:
        key = KEYS[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=os.environ["OIDC_AUDIENCE"],
            issuer=os.environ["OIDC_ISSUER"],
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, KeyError):
        return {"statusCode": 401, "body": json.dumps({"message": "Unauthorized"})}
    return app_handler(event, context)
