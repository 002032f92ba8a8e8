"""What Lambda's own client takes: a handler that does nothing."""


def handler(event, context):
    return {"statusCode": 200, "headers": {}, "body": ""}
