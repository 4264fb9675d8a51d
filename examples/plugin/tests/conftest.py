"""The conformance kit of labmtj."""

pytest_plugins = ["labmtj.testing"]
