"""What the endpoint of all servers says of itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mcpool.gateway.upstream import ServerFacts


def summary(servers: Iterable[str], facts: Mapping[str, ServerFacts], slow: Iterable[str], longest: int) -> str:
    """Instructions for a model: which servers there are, how their tools are named, and what they say themselves."""
    slow = set(slow)
    lines = ["These servers are reached through one endpoint. Their tools and prompts are named `SERVER__NAME`."]
    for server in servers:
        said = facts.get(server)
        if said is not None:
            text = (said.instructions or "").strip()
            if len(text) > longest:
                text = f"{text[:longest].rstrip()} ..."
            lines.append(f"\n## {server}\n{text}" if text else f"\n## {server}")
        else:
            lines.append(f"\n## {server}\n{'Still starting.' if server in slow else 'Not available at the moment.'}")
    return "\n".join(lines)
