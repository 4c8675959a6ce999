#!/usr/bin/python3
"""GStreamer's RTSP server with pipelines of the caller. For tests.

    gst-server.py [--login basic|digest USER PASSWORD] [--tls KEY CERTIFICATE] RTSP_PORT NAME=PIPELINE...

Each pipeline has payloaders pay0, pay1 ... Prints `ready` when it serves rtsp://127.0.0.1:RTSP_PORT/NAME,
over TCP, UDP and HTTP; with KEY and CERTIFICATE (PEM files) all of it over TLS.
"""
import argparse
import signal

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--login", nargs=3)
parser.add_argument("--tls", nargs=2)
parser.add_argument("port")
parser.add_argument("pipelines", nargs="+")
options = parser.parse_args()

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(options.port)
permissions = GstRtspServer.RTSPPermissions()
permissions.add_permission_for_role("viewer", "media.factory.access", True)
permissions.add_permission_for_role("viewer", "media.factory.construct", True)
for argument in options.pipelines:
    name, pipeline = argument.split("=", 1)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {pipeline} )")
    factory.set_shared(True)
    if options.login or options.tls:
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory(f"/{name}", factory)
if options.login or options.tls:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if not options.login:
        auth.set_default_token(token)
    elif options.login[0] == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*options.login[1:]), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(*options.login[1:], token)
    if options.tls:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(options.tls[1], options.tls[0]))
    server.set_auth(auth)
# One thread for each client: a pipeline that begins slowly would keep all the others waiting.
server.get_thread_pool().set_max_threads(-1)
server.attach(None)

loop = GLib.MainLoop()
signal.signal(signal.SIGTERM, lambda *_: loop.quit())
signal.signal(signal.SIGINT, lambda *_: loop.quit())
GLib.timeout_add(200, lambda: True)  # lets Python see its signals
print("ready", flush=True)
loop.run()
