"""parity bench: how fast the same program is on torch, on microtorch and on any module of their shape.

In the order in which a measurement passes through them: `cli` reads the command; `catalogue` has the workloads and
what is asked of them; `side` holds one long-lived process for each engine, in which `child` runs a program, stopping
where `loop` has found that a step begins; `turns` lets the sides run block after block in turn, `startup` times whole
processes; `agreement` says whether they have computed the same, without which no timing counts. What was found is a
`result`, told by `table`, `data` and `plot`.
"""
