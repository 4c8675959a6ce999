#!/usr/bin/python3
"""GStreamer's RTSP server with pipelines of the caller. For tests.

    gst-server.py RTSP_PORT NAME=PIPELINE...

Each pipeline has payloaders pay0, pay1 ... Prints `ready` when it serves rtsp://127.0.0.1:RTSP_PORT/NAME.
"""
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
for argument in sys.argv[2:]:
    name, pipeline = argument.split("=", 1)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {pipeline} )")
    factory.set_shared(True)
    server.get_mount_points().add_factory(f"/{name}", factory)
# One thread for each client: a pipeline that begins slowly would keep all the others waiting.
server.get_thread_pool().set_max_threads(-1)
server.attach(None)

loop = GLib.MainLoop()
signal.signal(signal.SIGTERM, lambda *_: loop.quit())
signal.signal(signal.SIGINT, lambda *_: loop.quit())
GLib.timeout_add(200, lambda: True)  # lets Python see its signals
print("ready", flush=True)
loop.run()
