"""parity: the same unmodified script on real torch and on microtorch, compared to the last bit."""
