"""What runs on a developer's machine and in CI, and never on Lambda."""
