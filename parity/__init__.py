"""parity: the same unmodified script on real torch and on microtorch, compared to the last bit.

In the order in which a run passes through them: `cli` reads the command; `session` takes one script from start to
verdict; `launch` starts child processes, in which `worker` puts a module from `backends` behind `import torch` and runs
the script while `watch` tells `recorder` what it does (`reading`, `names`, `digest` help it). What was seen comes back
as a `trace`. `compare` sets two traces side by side (`ulp` for numbers, `text` for what was printed), `judge` says what
this is worth, `locate` finds where two runs part, `report` tells it, with the `environment` in which all this holds.
"""
