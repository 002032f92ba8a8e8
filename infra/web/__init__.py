"""The commands of the front end: Node, `make web`, and the build."""
