"""A connection to an executor as part of an identity."""

from __future__ import annotations

from mcpool.catalog.identity import Place, differences, digest, identify
from mcpool.config.server import Http, ServerConfig, Stdio

STDIO = ServerConfig("srv", Stdio("serve", cwd="/"), environment_id="box")
HTTP = ServerConfig("srv", Http("http://a/mcp"), environment_id="box")


def test_another_connection_to_the_environment_is_another_process() -> None:
    """Scenario L4. U4: what is remembered of one in this host is not what is remembered of the other."""
    for server in (STDIO, HTTP):
        one, two = (identify(server, Place("/", handle=handle)) for handle in (1, 2))
        assert one != two
        assert differences(one, two) == ("environment box: it was lost, and attached anew",)


def test_what_is_kept_of_a_server_is_kept_over_connections() -> None:
    """Scenario L4. Handles are numbered anew by each host: a list of tools is found again all the same, to be shown."""
    one, two = (identify(STDIO, Place("/", handle=handle)) for handle in (1, 2))
    assert digest(one, b"key") == digest(two, b"key")
