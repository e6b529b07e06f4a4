"""Grid -> cells -> engine -> store: run many settings once each, whatever interrupts them.

A cell is one setting of one experiment. Its key is a hash of what is asked (experiment, version,
params), its random stream follows from the key alone, and a finished cell is one transaction in
the store. So the same cell has the same bits on any engine, any number of workers and in any
order, and a sweep that was stopped is resumed by running it again.
"""
