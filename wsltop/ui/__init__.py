"""The screen. The only place that imports Textual, which takes longer to load than everything else together."""
