"""Our own executor: it runs processes, reads files and makes HTTP requests for whoever holds its token."""
