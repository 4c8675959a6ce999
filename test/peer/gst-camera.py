#!/usr/bin/python3
"""A camera made of other people's programs: ffmpeg encodes H.264 and AAC into MPEG-TS over UDP,
GStreamer's RTSP server offers it with Digest authentication. For tests.

    gst-camera.py RTSP_PORT TS_PORT USER PASSWORD

Prints `ready` when it serves rtsp://127.0.0.1:RTSP_PORT/cam. It feeds itself: an ffmpeg child
sends to TS_PORT and ends with it.
"""
import signal
import subprocess
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

rtsp_port, ts_port, user, password = sys.argv[1:5]
Gst.init(None)

feed = subprocess.Popen(
    [
        "ffmpeg", "-v", "error", "-nostdin", "-re",
        "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-b:v", "600k", "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-b:a", "64k", "-ac", "1",
        "-f", "mpegts", f"udp://127.0.0.1:{ts_port}?pkt_size=1316",
    ]
)

factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( udpsrc address=127.0.0.1 port={ts_port} buffer-size=4000000 caps=\"video/mpegts,systemstream=true,packetsize=188\" ! tsdemux name=d "
    "d. ! queue ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 "
    "d. ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )"
)
factory.set_shared(True)
permissions = GstRtspServer.RTSPPermissions()
permissions.add_permission_for_role("viewer", "media.factory.access", True)
permissions.add_permission_for_role("viewer", "media.factory.construct", True)
factory.set_permissions(permissions)

server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(rtsp_port)
auth = GstRtspServer.RTSPAuth()
auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
token = GstRtspServer.RTSPToken()
token.set_string("media.factory.role", "viewer")
auth.add_digest(user, password, token)
server.set_auth(auth)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)

loop = GLib.MainLoop()


def end(*_):
    feed.terminate()
    loop.quit()


signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
GLib.timeout_add(200, lambda: True)  # lets Python see its signals
print("ready", flush=True)
loop.run()
feed.wait()
