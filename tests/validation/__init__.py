"""What `make validate` runs: the ice against exact solutions, a second code, published figures and other solvers.

Modules: exact solutions (`similarity`, `sharp_front`, `perfused`), a second code (`axisymmetric`), scenes and rulers
(`scenes`, `rulers`), one module per chapter, the pictures, and the writer of docs/validation.md (`report`).
"""
