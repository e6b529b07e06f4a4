"""The task scheduler, one idea a file; each layer uses those below it.

``setup`` <- ``turns``, ``averaging``, ``updating`` <- ``taking`` <- ``refreshing`` <- ``stepping``,
``saving``; ``reports`` stands on ``averaging``.
"""
