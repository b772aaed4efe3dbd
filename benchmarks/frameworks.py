"""Agents of frameworks, many at the same time: each with its framework's own MCP client, and all on mcpool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from benchmarks.call_path import WorkerFailed, worker
from benchmarks.paths import ROOT

FRAMEWORKS = {
    "openai_agents": "OpenAI Agents SDK",
    "pydantic_ai": "Pydantic AI",
    "langchain": "LangChain",
    "google_adk": "Google ADK",
}
RUNS = 20
CLIENTS = ("own", "mcpool")


@dataclass(slots=True)
class Frameworks:
    """By framework and client, what each round found (seconds, bytes); and why something could not be measured."""

    runs: int = RUNS
    calls: int = 0
    rounds: dict[str, list[dict[str, float]]] = field(default_factory=dict[str, "list[dict[str, float]]"])
    failed: dict[str, str] = field(default_factory=dict[str, str])

    def middle(self, framework: str, client: str, key: str) -> float | None:
        """The median of the rounds."""
        found = self.rounds.get(f"{framework}/{client}")
        return median(one[key] for one in found) if found else None


def run(rounds: int, calls: int, say: Callable[[str], None]) -> Frameworks:
    """Let 20 agents run at once and call a tool so often each, by turns with either client."""
    found = Frameworks(calls=calls)
    for number in range(rounds):
        for framework, title in FRAMEWORKS.items():
            python = ROOT / "build" / "adapters" / framework.replace("_", "-") / "bin" / "python"
            for client in CLIENTS:
                say(f"{title} with {client}, round {number + 1} of {rounds}")
                name = f"{framework}/{client}"
                wanted = {"framework": framework, "pooled": client == "mcpool", "runs": RUNS, "calls": calls}
                try:
                    measured = worker("benchmarks.frameworks_worker", wanted, 300, python=python)
                except (WorkerFailed, OSError) as error:
                    found.failed[name] = str(error)
                else:
                    found.rounds.setdefault(name, []).append(measured)
    return found
