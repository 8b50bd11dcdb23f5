"""The recurrent network in plain NumPy: every step forward and backward, short enough to read.

The parts are functions of arrays and of dicts of parameters; `README.md` has the order in which to read them, and the
lessons that use them.
"""
