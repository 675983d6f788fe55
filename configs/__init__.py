"""One YAML file a profile, read by `kb.config`."""
