"""The CloudFormation template, as a list of parts."""
