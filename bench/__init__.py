"""What the figures of docs/performance.md come from: the app and its peers, run as Lambda does."""
