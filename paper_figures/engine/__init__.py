"""What every figure shares: registry, input, style, caption, and the runner that writes files."""
