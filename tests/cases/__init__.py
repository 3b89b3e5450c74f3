"""What people reported in public, as inputs of wsltop: see README.md in this folder."""
