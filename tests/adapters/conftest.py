"""What is in cases/ runs in the environments of the frameworks, not here."""

collect_ignore = ["cases"]
