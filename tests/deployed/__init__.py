"""The deployed artefact: in an emulated AWS account, and as the zip that runs on Lambda."""
