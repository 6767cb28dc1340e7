"""Which torch this behaves as, and which accelerators it was built for: none."""

cuda = hip = xpu = None
debug = False
