"""The Cognito user pool that the template makes for a stage without an issuer.

Customers sign up with an email address, on Cognito's own pages. Members of the group `staff` are
staff. The pool, and all that belongs to it, is retained when the stack is deleted, because it has
the customers' accounts.
https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools.html
"""

import re
from typing import Any

from chalicelib.access import STAFF_ROLE
from infra.stages import Stage
from infra.template import site_origin
from infra.template.part import Part, Resources

POOL, CLIENT, DOMAIN, BRANDING, GROUP, SERVER = (
    "UserPool",
    "UserPoolClient",
    "UserPoolDomain",
    "SignInStyle",
    "StaffGroup",
    "ResourceServer",
)
# The identifier before the scopes of machine clients: `storefront/staff` is the role `staff`.
AUDIENCE = "storefront"

# The claims that hold the roles of people and of machines.
ROLES = "cognito:groups scope"

# The variables with which the app is loaded while the template is written. `variables` replaces
# the first two, because the pool does not exist yet.
PLACEHOLDERS = {
    "OIDC_ISSUER": "https://cognito-idp.amazonaws.com/pool",
    "OIDC_AUDIENCE": AUDIENCE,
    "OIDC_ROLES": ROLES,
}


def variables() -> dict[str, Any]:
    """The function's environment variables, in CloudFormation's terms."""
    issuer = "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${" + POOL + "}"
    audiences = [{"Ref": CLIENT}, AUDIENCE, {"Ref": "MachineClients"}]
    return {
        "OIDC_ISSUER": {"Fn::Sub": issuer},
        "OIDC_AUDIENCE": {"Fn::Join": [" ", audiences]},
        "OIDC_ROLES": ROLES,
        "DOCS_CLIENT_ID": {"Ref": CLIENT},
    }


def part(stage: Stage) -> Part:
    """The pool of a stage without an issuer. The issuer is an output of every stage."""
    own = variables()["OIDC_ISSUER"] if stage.makes_user_pool else stage.variables["OIDC_ISSUER"]
    issuer = {"Issuer": {"Description": "Whose access tokens the API accepts.", "Value": own}}
    if not stage.makes_user_pool:
        return Part(outputs=issuer)
    return Part(
        parameters={
            "CallbackUrls": {
                "Type": "CommaDelimitedList",
                "Default": "http://localhost:4200/",
                "Description": "The URLs that Cognito may return to after a sign-in or sign-out.",
            },
            "MachineClients": {
                "Type": "String",
                "Default": "",
                "Description": "The ids of further app clients whose tokens are accepted, or none.",
            },
        },
        resources=_resources(stage),
        outputs=issuer | _outputs(),
        variables=variables(),
    )


def _callbacks(stage: Stage) -> Any:
    """The URLs that the pool may return to: the parameter's, and the site's."""
    given = {"Ref": "CallbackUrls"}
    if stage.settings.site is None:
        return given
    home = {"Fn::Join": ["", [site_origin.origin(stage), "/"]]}
    return {"Fn::Split": [",", {"Fn::Join": [",", [home, {"Fn::Join": [",", given]}]]}]}


def _resources(stage: Stage) -> Resources:
    """The pool, its sign-in pages, the front end's app client, and the group of staff."""
    callbacks = _callbacks(stage)
    protection = "ACTIVE" if stage.settings.deletion_protection else "INACTIVE"
    pool = {"Ref": POOL}
    resources: Resources = {
        POOL: {
            "Type": "AWS::Cognito::UserPool",
            "Properties": {
                "UserPoolName": stage.function,
                "UsernameAttributes": ["email"],
                "UsernameConfiguration": {"CaseSensitive": False},
                "AutoVerifiedAttributes": ["email"],
                "AccountRecoverySetting": {
                    "RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]
                },
                "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False},
                "Policies": {"PasswordPolicy": {"MinimumLength": 12}},
                "DeletionProtection": protection,
                "UserPoolTags": stage.tags,
            },
        },
        DOMAIN: {
            "Type": "AWS::Cognito::UserPoolDomain",
            # Version 1 shows its page also where a request says `prompt=none`.
            "Properties": {
                "UserPoolId": pool,
                "Domain": _domain(stage),
                "ManagedLoginVersion": 2,
            },
        },
        SERVER: {
            "Type": "AWS::Cognito::UserPoolResourceServer",
            "Properties": {
                "UserPoolId": pool,
                "Identifier": AUDIENCE,
                "Name": stage.function,
                "Scopes": [{"ScopeName": STAFF_ROLE, "ScopeDescription": "All that staff may do"}],
            },
        },
        CLIENT: {
            "Type": "AWS::Cognito::UserPoolClient",
            "Properties": {
                "UserPoolId": pool,
                "ClientName": "front-end",
                # A browser cannot keep a secret: PKCE takes its place.
                "GenerateSecret": False,
                "AllowedOAuthFlowsUserPoolClient": True,
                "AllowedOAuthFlows": ["code"],
                # Not `storefront/staff`: it is for machines.
                "AllowedOAuthScopes": ["openid", "email", "profile"],
                "SupportedIdentityProviders": ["COGNITO"],
                "CallbackURLs": callbacks,
                "LogoutURLs": callbacks,
                "EnableTokenRevocation": True,
                "PreventUserExistenceErrors": "ENABLED",
                "AccessTokenValidity": 60,
                "TokenValidityUnits": {"AccessToken": "minutes"},
            },
        },
        BRANDING: {
            "Type": "AWS::Cognito::ManagedLoginBranding",
            # Without a style, the pages of version 2 are an error.
            "Properties": {
                "UserPoolId": pool,
                "ClientId": {"Ref": CLIENT},
                "UseCognitoProvidedValues": True,
            },
        },
        GROUP: {
            "Type": "AWS::Cognito::UserPoolGroup",
            "Properties": {"UserPoolId": pool, "GroupName": STAFF_ROLE},
        },
    }
    kept = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    return {name: {**resource, **kept} for name, resource in resources.items()}


def _outputs() -> Resources:
    """The ids that an operator and a front end need."""
    return {
        "UserPoolId": {"Description": "The user pool.", "Value": {"Ref": POOL}},
        "UserPoolClientId": {
            "Description": "The client id for the front end.",
            "Value": {"Ref": CLIENT},
        },
        "SignInUrl": {
            "Description": "Cognito's sign-in pages.",
            "Value": {"Fn::Sub": f"https://${{{DOMAIN}}}.auth.${{AWS::Region}}.amazoncognito.com"},
        },
    }


def _domain(stage: Stage) -> Any:
    """A prefix that no other account has: the stage's name and a part of the stack's id."""
    name = re.sub(r"[^a-z0-9]+", "-", stage.function.lower()).strip("-")
    stack_id = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    unique = {"Fn::Select": [0, {"Fn::Split": ["-", stack_id]}]}
    return {"Fn::Join": ["-", [name, unique]]}
