"""`make site`: the built shop, uploaded for a stage whose template has a site.

The order is what a browser needs that loads the page in between: first the files whose names have
digests, then what names them. Files of earlier builds stay, for tabs that were opened before.
"""

import mimetypes
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import boto3

from infra.deploy import stack
from infra.errors import CommandError
from infra.stages import Stage
from infra.template import site
from infra.web import build
from infra.web.config import Config

PAGE, CONFIG = "index.html", "config.json"


def upload(stage: Stage) -> None:
    """Build the shop, upload it, and forget the cached pages. Raises CommandError."""
    if stage.settings.site is None:
        raise CommandError(
            f'The stage {stage.name!r} in .chalice/config.json has no site: add "site": {{}} to '
            f"its infra, then make package stack STAGE={stage.name} BUCKET=..."
        )
    outputs = stack.outputs(stage)
    if "SiteBucketName" not in outputs:
        raise CommandError(
            f"The stack {stage.function} has no site yet: make package stack STAGE={stage.name} "
            "BUCKET=... makes it."
        )
    build.build()
    config = configuration(stage, outputs)
    bucket = boto3.client("s3")
    for name, content in files(build.DIST, config):
        kind, _ = mimetypes.guess_type(name)
        text = kind in {"text/html", "text/css", "text/javascript", "application/json"}
        bucket.put_object(
            Bucket=outputs["SiteBucketName"],
            Key=name,
            Body=content,
            CacheControl=site.cache_control(name),
            ContentType=f"{kind}; charset=utf-8" if text else kind or "application/octet-stream",
        )
        print(f"  {name}", flush=True)
    boto3.client("cloudfront").create_invalidation(
        DistributionId=outputs["SiteDistributionId"],
        InvalidationBatch={
            "Paths": {"Quantity": 2, "Items": [f"/{CONFIG}", f"/{PAGE}"]},
            "CallerReference": str(uuid4()),
        },
    )
    print(f"The shop is at {outputs['SiteUrl']} (a new distribution takes minutes to respond).")


def files(folder: Path, config: Config) -> list[tuple[str, bytes]]:
    """The files of a build with its config.json, in the order of the upload."""
    names = [file.name for file in sorted(folder.iterdir()) if file.is_file()]
    names.sort(key=lambda name: (name == PAGE, site.cache_control(name) != site.IMMUTABLE))
    found = [(name, (folder / name).read_bytes()) for name in names]
    return [*found[:-1], (CONFIG, config.json()), found[-1]]


def configuration(stage: Stage, outputs: dict[str, str]) -> Config:
    """config.json of a stage, from its settings and the outputs of its stack."""
    settings: Any = stage.settings.site
    issuer = outputs["Issuer"]
    home = quote(f"{outputs['SiteUrl']}/", safe="")
    client_id = outputs.get("UserPoolClientId", settings.client_id)
    return Config(
        api_url=outputs["SiteApiUrl"].rstrip("/"),
        issuer=None if issuer == "none" else issuer,
        client_id=client_id,
        scope=settings.scope,
        parameters=settings.parameters,
        # https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
        logout_url=(
            f"{outputs['SignInUrl']}/logout?client_id={client_id}&logout_uri={home}"
            if "SignInUrl" in outputs
            else None
        ),
        currency=settings.currency,
    )
