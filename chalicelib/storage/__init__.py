"""DynamoDB: the data-access module (`collection.Collection`), and what it is made of."""
