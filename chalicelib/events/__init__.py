"""Change events: what DynamoDB's streams report, in the words of the API, for other systems.

A separate Lambda function runs this package. The API's function does not import it.
"""
