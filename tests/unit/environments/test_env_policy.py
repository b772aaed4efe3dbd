"""Which variables a process gets from an executor."""

from __future__ import annotations

from mcpool.environments.exec_server.env_policy import variables_for
from mcpool.environments.protocol import EnvPolicy, Start

OWN = {"PATH": "/bin", "HOME": "/home/me", "API_TOKEN": "t", "OTHER": "o"}


def found(policy: EnvPolicy | None, **env: str) -> dict[str, str]:
    return variables_for(Start("p", ("x",), "file:///", env, env_policy=policy), OWN)


def test_without_a_policy_what_is_given_is_all() -> None:
    assert found(None, A="1") == {"A": "1"}


def test_none_of_the_executor_s_own_where_none_is_wanted() -> None:
    assert found(EnvPolicy("none", True), A="1") == {"A": "1"}


def test_core_is_what_any_program_gets() -> None:
    assert found(EnvPolicy("core", True)) == {"PATH": "/bin", "HOME": "/home/me"}


def test_secrets_are_left_out_unless_they_are_wanted() -> None:
    assert "API_TOKEN" not in found(EnvPolicy("all", False))
    assert "API_TOKEN" in found(EnvPolicy("all", True))


def test_patterns_know_no_case() -> None:
    assert found(EnvPolicy("all", True, include_only=("api_*", "path"))) == {"PATH": "/bin", "API_TOKEN": "t"}
    assert "OTHER" not in found(EnvPolicy("all", True, exclude=("oth?r",)))


def test_what_is_given_wins_over_what_is_there() -> None:
    assert found(EnvPolicy("all", True, include_only=("PATH",)), PATH="/opt", B="2") == {"PATH": "/opt", "B": "2"}
