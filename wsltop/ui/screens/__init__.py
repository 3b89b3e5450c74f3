"""What fills the terminal: the main screen, the help card."""
