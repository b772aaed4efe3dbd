"""What a configuration resolves to: identities, tool names, tool schemas. Pure values and functions, no I/O."""
