"""The claims, one module (or package) a family, each with a tuple ``CLAIMS``.

A module here is imported whenever claims are listed: it keeps sympy, z3 and other heavy
imports inside its checks. A module whose name starts with an underscore holds helpers.
"""
