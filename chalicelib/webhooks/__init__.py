"""Webhooks: change events as signed HTTP requests to the receivers that a stage names.

Each webhook has a rule of the event bus, a queue, and a Lambda function that runs this package.
The API's function does not import it.
"""
