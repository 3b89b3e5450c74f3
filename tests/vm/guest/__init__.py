"""What runs inside the virtual machine. The modules import only the standard library, but for ``driver``."""
