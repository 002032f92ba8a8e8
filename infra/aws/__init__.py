"""Stages in an AWS account: tables, policy, template, deployment."""
