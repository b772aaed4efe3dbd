"""mcpool for agent frameworks: each module here is for one, and imports it. `docs/frameworks.md` shows how."""
