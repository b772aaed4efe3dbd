"""What the SDK's transport is given of a message of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mcpool.wire.http_frame import Frame
from mcpool.wire.http_guard import MARK

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage


def stub(frame: Frame, headers: Mapping[str, str]) -> SessionMessage:
    """The message as far as the SDK's transport looks at it; the guard puts the real bytes in its place."""
    from mcp.shared.message import ClientMessageMetadata, SessionMessage
    from mcp_types import JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

    if frame.method is None:
        message = JSONRPCResponse(jsonrpc="2.0", id=frame.id or 0, result={})
    elif frame.id is not None:
        message = JSONRPCRequest(jsonrpc="2.0", id=frame.id, method=frame.method)
    else:
        params = {"requestId": frame.cancels} if frame.cancels is not None else None
        message = JSONRPCNotification(jsonrpc="2.0", method=frame.method, params=params)
    return SessionMessage(message, ClientMessageMetadata(headers={**headers, MARK: "1"}))
