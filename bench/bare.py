"""A gRPC server that answers ``Ping`` over mutual TLS and does nothing else: a baseline's process.

Usage: ``python -m bench.bare DIRECTORY``, which holds ``node.crt``, ``node.key`` and ``ca.crt``.
Prints its port and serves until it is stopped. It has no interceptor, no rights and no log.
"""

import sys
from pathlib import Path

import grpc
import uvloop

from deltacare.v1.federation_service_pb2 import PingRequest, PingResponse

_PONG = PingResponse()


async def _ping(_request: PingRequest, _context: object) -> PingResponse:
    return _PONG


async def _serve(directory: Path) -> None:
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        _ping,
        request_deserializer=PingRequest.FromString,
        response_serializer=PingResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("deltacare.v1.FederationService", {"Ping": handler})]
    )
    credentials = grpc.ssl_server_credentials(
        [((directory / "node.key").read_bytes(), (directory / "node.crt").read_bytes())],
        root_certificates=(directory / "ca.crt").read_bytes(),
        require_client_auth=True,
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1])))
