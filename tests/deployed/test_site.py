"""The shop's hosting: its part of the template, and `make site` in an emulated account.

The emulator keeps a distribution, its policies and its function, and sends nothing through them:
what they would do is asserted on what they are. tests/web sends requests to the same headers.
"""

import json
import re
import subprocess
from typing import Any

import pytest

from infra import stages
from infra.settings import Site, StageSettings
from infra.template import site
from infra.web import node
from infra.web import site as sites
from infra.web.config import Config
from tests.client import Client, Live
from tests.deployed.conftest import Account

STACK = "storefront-dev"
EMAIL = "on-call@shop.example"


def set_site(account: Account, settings: dict[str, Any] | None) -> None:
    """Give dev a site, or none, and alarms, in the checkout."""
    file = account.project / ".chalice" / "config.json"
    declared = json.loads(file.read_text())
    declared["stages"]["dev"]["infra"] |= {"site": settings, "alarms": True}
    file.write_text(json.dumps(declared))


def check_what_the_api_knows(account: Account, outputs: dict[str, str]) -> None:
    """The API allows the origin of the site, and the user pool returns to it."""
    url, api_url = outputs["SiteUrl"], outputs["EndpointURL"]
    client = account.client("cognito-idp").describe_user_pool_client(
        UserPoolId=outputs["UserPoolId"], ClientId=outputs["UserPoolClientId"]
    )["UserPoolClient"]
    assert client["CallbackURLs"] == [f"{url}/", "http://localhost:4200/"]
    assert client["LogoutURLs"] == client["CallbackURLs"]
    (function,) = account.client("lambda").list_functions()["Functions"]
    assert function["Environment"]["Variables"]["CORS_ALLOW_ORIGIN"] == url
    api_id = re.findall(r"https://(\w+)\.", api_url)[0]
    api = Client(Live(f"http://{api_id}.execute-api.localhost:{account.port}/dev"))
    for method in ("OPTIONS", "GET"):
        response = api.request(method, "/products", Origin=url)
        assert response.headers["access-control-allow-origin"] == url


def check_the_policy(account: Account, outputs: dict[str, str]) -> None:
    """The Content-Security-Policy allows requests to the API and to the issuer only."""
    cloudfront = account.client("cloudfront")
    listed = cloudfront.list_response_headers_policies()["ResponseHeadersPolicyList"]["Items"]
    policies = [each["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"] for each in listed]
    (policy,) = [each for each in policies if each["Name"].startswith(STACK)]
    content = policy["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    (connect,) = re.findall(r"connect-src ([^;]+)", content)
    assert connect.split() == [
        "'self'",
        outputs["EndpointURL"].removesuffix("/dev/"),
        "https://cognito-idp.us-east-1.amazonaws.com",
        outputs["SignInUrl"],
    ]


def check_the_upload(account: Account, outputs: dict[str, str]) -> None:
    """`make site` uploads in its order, with headers for caches, and invalidates two paths."""
    cloudfront = account.client("cloudfront")
    api_url = outputs["EndpointURL"].rstrip("/")
    output = account.make("site", "STAGE=dev")
    uploaded = re.findall(r"^  (\S+\.\w+)$", output, re.MULTILINE)
    assert uploaded[-2:] == ["config.json", "index.html"]
    assert {"robots.txt", "favicon.svg"} <= set(uploaded)
    s3 = account.client("s3")
    bucket = outputs["SiteBucketName"]
    assert {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]} == set(uploaded)
    page = s3.get_object(Bucket=bucket, Key="index.html")
    assert (page["CacheControl"], page["ContentType"]) == ("no-cache", "text/html; charset=utf-8")
    script = next(name for name in uploaded if name.startswith("main-"))
    kept = s3.get_object(Bucket=bucket, Key=script)
    assert kept["CacheControl"] == site.IMMUTABLE
    assert script in page["Body"].read().decode()
    config = json.loads(s3.get_object(Bucket=bucket, Key="config.json")["Body"].read())
    assert config["apiUrl"] == api_url
    assert config["issuer"] == outputs["Issuer"]
    assert config["clientId"] == outputs["UserPoolClientId"]
    assert config["logoutUrl"].startswith(f"{outputs['SignInUrl']}/logout?client_id=")
    (invalidation,) = cloudfront.list_invalidations(DistributionId=outputs["SiteDistributionId"])[
        "InvalidationList"
    ]["Items"]
    paths = cloudfront.get_invalidation(
        DistributionId=outputs["SiteDistributionId"], Id=invalidation["Id"]
    )["Invalidation"]["InvalidationBatch"]["Paths"]["Items"]
    assert sorted(paths) == ["/config.json", "/index.html"]


@pytest.mark.timeout(200)
def test_stack_with_a_site(account: Account) -> None:
    """Created, uploaded to, updated without a change, and deleted except for its files."""
    account.make("account")
    account.client("s3").create_bucket(Bucket="packages")
    account.issuer = {}
    set_site(account, None)
    refusal = account.start("site", "STAGE=dev")
    assert 'has no site: add "site": {} to its infra' in refusal.stderr
    set_site(account, {"domain": "shop.example.com"})
    account.make("package", "STAGE=dev")
    refusal = account.start("stack", "STAGE=dev", "BUCKET=packages", "SITE_CERTIFICATE_ARN=")
    assert refusal.stderr.startswith("SITE_CERTIFICATE_ARN is not set. The ARN of a certificate")
    set_site(account, {})
    refusal = account.start("site", "STAGE=dev")
    assert refusal.stderr.startswith("There is no stack storefront-dev: make package stack")
    account.make("package", "STAGE=dev")
    refusal = account.start("stack", "STAGE=dev", "BUCKET=packages", "ALARM_TOPIC_ARN=")
    assert (
        "The stage's alarms have no receiver. Set ALARM_EMAIL to an email address" in refusal.stderr
    )
    output = account.make("stack", "STAGE=dev", "BUCKET=packages", f"ALARM_EMAIL={EMAIL}")
    outputs = dict(re.findall(r"^(\w+): (\S+)$", output, re.MULTILINE))
    assert re.fullmatch(r"https://\w+\.cloudfront\.net", outputs["SiteUrl"])

    check_what_the_api_knows(account, outputs)
    check_the_policy(account, outputs)
    check_the_upload(account, outputs)
    (subscription,) = account.client("sns").list_subscriptions()["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", EMAIL)
    # The address is kept.
    assert "There are no changes." in account.make("stack", "STAGE=dev", "BUCKET=packages")

    cloudformation = account.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK)
    cloudfront = account.client("cloudfront")
    assert cloudfront.list_distributions()["DistributionList"].get("Items", []) == []
    buckets = account.client("s3").list_buckets()["Buckets"]
    assert outputs["SiteBucketName"] in {each["Name"] for each in buckets}


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("/", "/index.html"),
        ("/products", "/index.html"),
        ("/products/teapot", "/index.html"),
        ("/products/a.js", "/index.html"),
        ("/main-ABC123.js", "/main-ABC123.js"),
        ("/config.json", "/config.json"),
        ("/robots.txt", "/robots.txt"),
        ("/.env/x", "/index.html"),
    ],
)
def test_path_rewriting(uri: str, file: str) -> None:
    """The function of CloudFront, run by Node: a page's path is index.html, a file's is not."""
    script = f"{site.REWRITE}; console.log(handler({{request: {{uri: '{uri}'}}}}).uri)"

    output = subprocess.run(
        ["node", "-e", script], env=node.environment(), capture_output=True, text=True, check=True
    )

    assert output.stdout.strip() == file


def test_upload_order(tmp_path: Any) -> None:
    """What has a digest in its name comes first, index.html last."""
    for name in ("index.html", "a.js", "robots.txt", "z.css", "favicon.svg"):
        (tmp_path / name).write_text(name)
    names = [name for name, _ in sites.files(tmp_path, Config("https://api.example", None))]

    assert names == ["a.js", "z.css", "favicon.svg", "robots.txt", "config.json", "index.html"]


def test_config_of_another_issuer() -> None:
    """Settings of the stage say what an issuer needs."""
    stage = stages.load("dev")
    declared = Site(
        client_id="shop", scope="openid api", parameters={"audience": "x"}, currency="USD"
    )
    changed: Any = type("Stage", (), {"settings": StageSettings(site=declared), "name": stage.name})
    outputs = {
        "SiteUrl": "https://shop.example",
        "SiteApiUrl": "https://api.example/dev",
        "Issuer": "https://issuer.example/",
    }

    config = sites.configuration(changed, outputs)

    assert config == Config(
        "https://api.example/dev",
        "https://issuer.example/",
        client_id="shop",
        scope="openid api",
        parameters={"audience": "x"},
        currency="USD",
    )
