"""Deploying a stage, and the package that is deployed."""
