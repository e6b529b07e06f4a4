"""What the experiment ``sketches`` is made of: gradients, one module a kind of sketch, a judge."""
