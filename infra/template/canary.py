"""Gradual deployments: CodeDeploy moves the requests to a new version of the function in steps.

If an alarm sees errors of the new version in the meantime, CodeDeploy gives all requests back to
the old one, and CloudFormation rolls the stack back.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html
"""

from infra.stages import ALIAS, Stage
from infra.template import alarms, functions, metrics
from infra.template.part import FUNCTION, Part, Resources

ROLE = "DeploymentRole"
# What SAM calls the application and the deployment group that it adds.
APPLICATION, GROUP = "ServerlessDeploymentApplication", f"{FUNCTION}DeploymentGroup"

# The share of the new version's responses in a minute that are 5xx.
# The logical ids of the alarms on the new version.
ALARMS = ERRORS_ALARM, CRASHES_ALARM = "NewVersionErrorsAlarm", "NewVersionCrashesAlarm"
NEW_VERSION = {"Fn::GetAtt": [f"{FUNCTION}.Version", "Version"]}


def part(stage: Stage) -> Part:
    """The alarms on the new version, CodeDeploy's role, and what the function says of both."""
    if not stage.settings.deployment:
        return Part()
    managed = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
    preference = {
        "Type": stage.settings.deployment,
        "Alarms": [{"Ref": name} for name in ALARMS],
        "Role": {"Fn::GetAtt": [ROLE, "Arn"]},
    }
    return Part(
        resources={
            FUNCTION: {"Properties": {"DeploymentPreference": preference}},
            ROLE: {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": functions.trust("codedeploy.amazonaws.com"),
                    "ManagedPolicyArns": [{"Fn::Sub": managed}],
                    "Tags": stage.tag_list,
                },
            },
            **_alarms(stage),
        }
    )


def _alarms(stage: Stage) -> Resources:
    """The alarms by logical id: 5xx responses, and invocations that ended without a response.

    The function responds to every exception with a 500, which Lambda does not count as an error:
    Lambda's own metric has what stopped before, such as an import that fails.
    """
    version = {"version": NEW_VERSION}
    crashes = {
        "FunctionName": {"Ref": FUNCTION},
        "Resource": {"Fn::Sub": f"${{{FUNCTION}}}:{ALIAS}"},
        "ExecutedVersion": NEW_VERSION,
    }
    return {
        ERRORS_ALARM: alarms.alarm(
            stage,
            "new version",
            "More than 1 % of the new version's responses are 5xx.",
            alarms.MOST_5XX,
            minutes=(1, 1),
            **alarms.metric(metrics.namespace(stage), metrics.ERROR_SHARE, version, "Average"),
        ),
        CRASHES_ALARM: alarms.alarm(
            stage,
            "new version",
            "The new version has ended without a response.",
            0,
            minutes=(1, 1),
            **alarms.metric("AWS/Lambda", "Errors", crashes, "Sum"),
        ),
    }
