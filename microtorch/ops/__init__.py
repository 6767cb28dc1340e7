"""The operations, each whole in one place: meaning, forward, gradient."""
