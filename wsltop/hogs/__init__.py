"""Takes memory on purpose: hog processes, started above a floor of available memory."""
