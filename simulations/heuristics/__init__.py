"""What the experiment ``heuristics`` is made of: conflict graphs, and what a colouring is worth."""
