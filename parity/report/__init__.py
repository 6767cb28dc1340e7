"""How results are told: on the terminal and as JSON."""
