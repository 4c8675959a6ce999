#!/usr/bin/python3
"""A camera made of other people's programs: GStreamer's RTSP server plays an MP4 file that ffmpeg
made (H.264 and AAC), in real time, with Digest authentication. For tests.

    gst-camera.py RTSP_PORT FILE USER PASSWORD [KEY CERTIFICATE]

Prints `ready` when it serves rtsp://127.0.0.1:RTSP_PORT/cam, over TCP, UDP and HTTP; with KEY and
CERTIFICATE (PEM files) all of it over TLS.
"""
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

rtsp_port, clip, user, password, *tls = sys.argv[1:]
Gst.init(None)

factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( filesrc location={clip} ! qtdemux name=d "
    "d.video_0 ! queue ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 "
    "d.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )"
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
if tls:
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(tls[1], tls[0]))
server.set_auth(auth)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)

loop = GLib.MainLoop()


def end(*_):
    loop.quit()


signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
GLib.timeout_add(200, lambda: True)  # lets Python see its signals
print("ready", flush=True)
loop.run()
