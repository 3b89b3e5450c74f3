"""What leaves the program: the snapshot for programs, the report for people. Imports neither Textual nor psutil."""
