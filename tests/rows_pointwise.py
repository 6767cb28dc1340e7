"""Operations that work element by element."""
from rows import Row, call
ROWS = [Row("add", [lambda d: call(d(3, 4), d(3, 4)), lambda d: call(d(3, 4), d(4)), lambda d: call(d(3, 4), 2.5), lambda d: call(d(), d(2)), lambda d:call(d.special()[:,None], d.special())], bad=[lambda d: call(d(3), d(4)), lambda d: call(d(3), 'a')]), Row("sin",[lambda d: call(d(3,4))],ulp=2,grad_ulp=4,reason="x")]
