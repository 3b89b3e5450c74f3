"""WSL's idle gate, recomputed: is the VM idle enough for WSL to compact or reclaim memory?"""
