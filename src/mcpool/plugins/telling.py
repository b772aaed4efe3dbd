"""What a model may be told of roots and what is in them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mcpool.plugins.contents import Contents, Skill
from mcpool.world.surroundings import ConnectorFacts, PluginFacts, SkillFacts, Surroundings


def surroundings_of(selected: Sequence[Contents], installed: Sequence[Contents]) -> Surroundings:
    """What was chosen for a thread, and what is there for all; of equal names the former counts."""
    skills = {skill.name: SkillFacts(skill.description, skill.path, skill.environment) for skill in skills_of(selected)}
    for skill in skills_of(installed):
        skills.setdefault(skill.name, SkillFacts(skill.description, skill.path))
    plugins: dict[str, PluginFacts] = {}
    connectors: dict[str, ConnectorFacts] = {}
    for contents in (*selected, *installed):
        if contents.name:
            servers = tuple(server.name for server in contents.servers if server.enabled)
            facts = PluginFacts(contents.description, servers, tuple(skill.name for skill in contents.skills))
            plugins.setdefault(contents.name, facts)
        for connector in contents.connectors:
            connectors.setdefault(connector.id, ConnectorFacts(connector.name))
    return Surroundings(skills=skills, plugins=plugins, connectors=connectors)


def skills_of(several: Iterable[Contents]) -> list[Skill]:
    """Their skills, of equal names the first."""
    found: dict[str, Skill] = {}
    for contents in several:
        for skill in contents.skills:
            found.setdefault(skill.name, skill)
    return list(found.values())


def skill_called(name: str, skills: Sequence[Skill]) -> Skill | None:
    """The skill of this name; a name without its plugin's is enough where there is one such skill only."""
    exact = next((skill for skill in skills if skill.name == name), None)
    if exact is not None:
        return exact
    short = [skill for skill in skills if skill.name.rpartition(":")[2] == name]
    return short[0] if len(short) == 1 else None
