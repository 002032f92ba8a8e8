"""The front end's hosting: a private bucket behind CloudFront, and the headers of its files.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from infra.stages import HSTS_SECONDS, Stage
from infra.template import findings, user_pool
from infra.template.part import Part, Resource, Resources
from infra.template.site_origin import DISTRIBUTION, origin

BUCKET, CONTROL, HEADERS, REWRITER, CACHE = (
    "SiteBucket",
    "SiteAccessControl",
    "SiteHeaders",
    "SiteRewrite",
    "SiteCache",
)
ORIGIN_ID = "bucket"

# Stands for the site's origin in the API's document while the template is written: CloudFront
# chooses the name of a distribution when it is created.
PLACEHOLDER = "https://site.invalid"
# The API's URL until the stack has an API.
NO_API = "https://api.invalid"

# A year, for hashed files, whose content never changes.
IMMUTABLE = "public, max-age=31536000, immutable"
# For the files that name the others: a browser asks each time whether they have changed.
REVALIDATED = "no-cache"
# CloudFront Functions run ECMAScript 5.1 with parts of later versions. Every path is a page of
# the application, except for files, which have a dot and are not in a folder: a product's key may
# have a dot, too.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
REWRITE = r"""
function handler(event) {
  var request = event.request;
  if (!/^\/[^\/]+\.[^\/]+$/.test(request.uri)) request.uri = '/index.html';
  return request;
}
""".strip()


def content_security_policy(connect: Iterable[str]) -> str:
    """The value of Content-Security-Policy; `connect` has the origins of the API and the issuer.

    https://www.w3.org/TR/CSP3/, https://angular.dev/best-practices/security
    """
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": " ".join(["'self'", *connect]),
        "base-uri": "'self'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "angular",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def security_headers(connect: Iterable[str]) -> dict[str, str]:
    """The headers of every response of the site."""
    return {
        "Content-Security-Policy": content_security_policy(connect),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        # Not for subdomains: a domain of one's own may have others, with plain HTTP.
        "Strict-Transport-Security": f"max-age={HSTS_SECONDS}",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def cache_control(name: str) -> str:
    """The value of Cache-Control of a file of the build."""
    return IMMUTABLE if name.endswith((".js", ".css")) else REVALIDATED


def cors_variable(stage: Stage) -> dict[str, str]:
    """The variable with the allowed origin, unless the stage's settings name origins."""
    site = stage.settings.site
    if site is None or "CORS_ALLOW_ORIGIN" in stage.config.environment_variables:
        return {}
    return {"CORS_ALLOW_ORIGIN": f"https://{site.domain}" if site.domain else PLACEHOLDER}


def with_origin(value: Any, stage: Stage) -> Any:
    """A part of the template, with the origin in place of PLACEHOLDER."""
    if isinstance(value, dict):
        return {key: with_origin(each, stage) for key, each in value.items()}
    if isinstance(value, list):
        return [with_origin(each, stage) for each in value]
    if isinstance(value, str) and PLACEHOLDER in value:
        before, _, after = value.partition(PLACEHOLDER)
        return {"Fn::Join": ["", [before, origin(stage), after]]}
    return value


def part(stage: Stage) -> Part:
    """The bucket, the distribution and what belongs to them."""
    site = stage.settings.site
    if site is None:
        return Part()
    parameters = {
        "ApiUrl": {
            "Type": "String",
            "Default": NO_API,
            "Description": "The URL of the API for browsers; make stack sets API Gateway's own.",
        }
    }
    if site.domain:
        parameters["SiteCertificateArn"] = {
            "Type": "String",
            "Description": "The ARN of a certificate in us-east-1 for the site's domain.",
        }
    return Part(
        parameters=parameters,
        resources=_resources(stage),
        outputs=_outputs(stage),
        variables={"CORS_ALLOW_ORIGIN": origin(stage)} if cors_variable(stage) else {},
    )


def _resources(stage: Stage) -> Resources:
    name = {"Fn::Sub": f"{stage.function}-${{AWS::Region}}"}
    return {
        BUCKET: _bucket(stage),
        f"{BUCKET}Policy": _bucket_policy(),
        CONTROL: {
            "Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": {
                "OriginAccessControlConfig": {
                    "Name": name,
                    "OriginAccessControlOriginType": "s3",
                    "SigningBehavior": "always",
                    "SigningProtocol": "sigv4",
                }
            },
        },
        HEADERS: _headers(stage, name),
        CACHE: {
            "Type": "AWS::CloudFront::CachePolicy",
            "Properties": {
                "CachePolicyConfig": {
                    "Name": name,
                    # As the Cache-Control of each file says.
                    "MinTTL": 0,
                    "DefaultTTL": 0,
                    "MaxTTL": 365 * 24 * 60 * 60,
                    "ParametersInCacheKeyAndForwardedToOrigin": {
                        "CookiesConfig": {"CookieBehavior": "none"},
                        "HeadersConfig": {"HeaderBehavior": "none"},
                        "QueryStringsConfig": {"QueryStringBehavior": "none"},
                        "EnableAcceptEncodingBrotli": True,
                        "EnableAcceptEncodingGzip": True,
                    },
                }
            },
        },
        REWRITER: {
            "Type": "AWS::CloudFront::Function",
            "Properties": {
                "Name": name,
                "AutoPublish": True,
                "FunctionCode": REWRITE,
                "FunctionConfig": {
                    "Comment": "Every path that is no file is index.html.",
                    "Runtime": "cloudfront-js-2.0",
                },
            },
        },
        DISTRIBUTION: _distribution(stage),
    }


def _outputs(stage: Stage) -> Resources:
    """What `make site` needs, and the site's URL."""
    return {
        "SiteUrl": {"Description": "The shop in a browser.", "Value": origin(stage)},
        "SiteBucketName": {"Description": "The site's files.", "Value": {"Ref": BUCKET}},
        "SiteDistributionId": {
            "Description": "The site's distribution.",
            "Value": {"Ref": DISTRIBUTION},
        },
        "SiteApiUrl": {
            "Description": "The API's URL for browsers.",
            "Value": {"Ref": "ApiUrl"},
        },
    }


def _bucket(stage: Stage) -> Resource:
    """The bucket, which is retained: CloudFormation cannot delete one that has files."""
    skipped = {
        "CKV_AWS_18": "CloudFront alone reads the bucket; its files are public.",
        "CKV_AWS_21": "The files are built from the repository, and their names have digests.",
    }
    return {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Metadata": findings.skip(skipped),
        "Properties": {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                ]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "Tags": stage.tag_list,
        },
    }


def _bucket_policy() -> Resource:
    """Reading for the distribution alone, and TLS for everybody."""
    bucket, objects = {"Fn::GetAtt": [BUCKET, "Arn"]}, {"Fn::Sub": f"${{{BUCKET}.Arn}}/*"}
    source = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${" + DISTRIBUTION
    statements = [
        {
            "Sid": "ReadByDistribution",
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            # Listing makes the answer for a missing file a 404.
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [bucket, objects],
            "Condition": {"StringEquals": {"AWS:SourceArn": {"Fn::Sub": source + "}"}}},
        },
        {
            "Sid": "RefusePlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket, objects],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": BUCKET},
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        },
    }


def _headers(stage: Stage, name: Any) -> Resource:
    headers = security_headers(_connect(stage))
    policy, hsts = headers.pop("Content-Security-Policy"), "Strict-Transport-Security"
    del headers[hsts]
    api_host = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "ApiUrl"}]}]}
    own = {
        "ContentSecurityPolicy": {
            "ContentSecurityPolicy": {"Fn::Sub": [policy, {"ApiHost": api_host}]},
            "Override": True,
        },
        "ContentTypeOptions": {"Override": True},
        "FrameOptions": {"FrameOption": headers.pop("X-Frame-Options"), "Override": True},
        "ReferrerPolicy": {"ReferrerPolicy": headers.pop("Referrer-Policy"), "Override": True},
        "StrictTransportSecurity": {
            "AccessControlMaxAgeSec": HSTS_SECONDS,
            "Override": True,
        },
    }
    del headers["X-Content-Type-Options"]
    others = [
        {"Header": header, "Value": value, "Override": True} for header, value in headers.items()
    ]
    return {
        "Type": "AWS::CloudFront::ResponseHeadersPolicy",
        "Properties": {
            "ResponseHeadersPolicyConfig": {
                "Name": name,
                "SecurityHeadersConfig": own,
                "CustomHeadersConfig": {"Items": others},
            }
        },
    }


def _connect(stage: Stage) -> list[str]:
    """The origins that the pages send requests to, in terms of Fn::Sub."""
    site = stage.settings.site
    more = list(site.connect) if site else []
    if stage.makes_user_pool:
        return [
            "https://${ApiHost}",
            "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}",
            f"https://${{{user_pool.DOMAIN}}}.auth.${{AWS::Region}}.amazoncognito.com",
            *more,
        ]
    parts = urlsplit(stage.variables["OIDC_ISSUER"])
    issuer = [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []
    return ["https://${ApiHost}", *issuer, *more]


def _distribution(stage: Stage) -> Resource:
    site = stage.settings.site
    domain = site.domain if site else None
    config: Resource = {
        "Comment": f"{stage.config.app_name}, stage {stage.name}",
        "Enabled": True,
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "DefaultRootObject": "index.html",
        "PriceClass": "PriceClass_100",
        "Origins": [
            {
                "Id": ORIGIN_ID,
                "DomainName": {"Fn::GetAtt": [BUCKET, "RegionalDomainName"]},
                "OriginAccessControlId": {"Fn::GetAtt": [CONTROL, "Id"]},
                # Empty: the access control takes its place.
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            }
        ],
        "DefaultCacheBehavior": {
            "TargetOriginId": ORIGIN_ID,
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": ["GET", "HEAD"],
            "CachedMethods": ["GET", "HEAD"],
            "Compress": True,
            "CachePolicyId": {"Ref": CACHE},
            "ResponseHeadersPolicyId": {"Ref": HEADERS},
            "FunctionAssociations": [
                {
                    "EventType": "viewer-request",
                    "FunctionARN": {"Fn::GetAtt": [REWRITER, "FunctionARN"]},
                }
            ],
        },
    }
    if domain:
        config["Aliases"] = [domain]
        config["ViewerCertificate"] = {
            "AcmCertificateArn": {"Ref": "SiteCertificateArn"},
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "SslSupportMethod": "sni-only",
        }
    skipped = {
        "CKV_AWS_68": "The site has public files alone; the API has the web ACL.",
        "CKV_AWS_86": "The log of the API has what people do; that of files has their addresses.",
        "CKV_AWS_174": "CloudFront's own certificate has TLS 1.2 where the client has it.",
    }
    return {
        "Type": "AWS::CloudFront::Distribution",
        "Metadata": findings.skip(skipped),
        "Properties": {
            "DistributionConfig": config,
            "Tags": stage.tag_list,
        },
    }
