"""Cards: what opens over the main screen."""
