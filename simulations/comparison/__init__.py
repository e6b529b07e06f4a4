"""What one refresh does: class steps, and scheduled against aggregated updates."""
