"""Change events: what DynamoDB's streams report, in the words of the API, for other systems.

A function of its own runs this package; the API's function imports nothing of it.
"""
