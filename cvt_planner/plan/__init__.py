"""The plan as a value: frozen parts, edits as pure functions, results that remember their inputs."""
