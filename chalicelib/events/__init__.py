"""Change events: what DynamoDB's streams report, in the words of the API, for other systems.

A separate Lambda function runs this package. The API's function does not import it.
"""

# The last parts of the types of events, by the names that DynamoDB's streams have for changes.
CHANGE_NAMES = {"INSERT": "created", "MODIFY": "updated", "REMOVE": "deleted"}
