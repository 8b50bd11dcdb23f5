"""Version of the project: packaging, `rnn-language --version` and the manifests of bundles take it from here."""

VERSION = "0.1.0"
