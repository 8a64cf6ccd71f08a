"""One module per family of steps; each step has learn, output, links, apply, words."""
