"""Leasing what was resolved: from a projection to a runtime that may be published. Nothing is started."""

from __future__ import annotations

from collections.abc import Callable

from mcpool.config.server import ServerConfig
from mcpool.errors import ServerUnavailable
from mcpool.pool.lease import Lease
from mcpool.runtime.policy import Policy
from mcpool.runtime.projected import Projected
from mcpool.runtime.runtime import Binding, Runtime
from mcpool.runtime.view import view_of


def build(revision: int, projected: Projected, policy: Policy, acquire: Callable[[ServerConfig], Lease]) -> Runtime:
    """Lease every server. One that is absent or cannot be resolved is named in the runtime, with the reason.

    Raises: what `acquire` does but ServerUnavailable; everything is given back then.
    """
    bindings: dict[str, Binding] = {}
    unavailable = dict(projected.absent)
    plugins, chosen = projected.plugins, projected.chosen
    try:
        for server in projected.servers:
            try:
                lease = acquire(server)
            except ServerUnavailable as error:
                unavailable[server.name] = error.message
            else:
                view = view_of(server, plugins.get(server.name), projected.connectors)
                bindings[server.name] = Binding(server, view, lease, chosen=server.name in chosen)
    except BaseException:
        for binding in bindings.values():
            binding.lease.release()
        raise
    return Runtime(revision, projected, bindings, unavailable, policy.restricted(projected.restriction))
