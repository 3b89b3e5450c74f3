"""What leaves wsltop: text, JSON and Markdown, redacted where it is meant for others."""
