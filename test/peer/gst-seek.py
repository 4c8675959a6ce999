"""Plays a recording with GStreamer's rtspsrc, seeks to so many seconds, plays to the end; prints the numbers of all pictures as JSON."""
import json, re, sys
import gi
gi.require_version('Gst', '1.0')
from gi.repository import Gst

url, seconds = sys.argv[1], float(sys.argv[2])
Gst.init(None)
pipe = Gst.parse_launch(
    f'rtspsrc location="{url}" protocols=tcp ! application/x-rtp,media=video ! rtph264depay ! h264parse ! '
    'video/x-h264,stream-format=byte-stream,alignment=au ! fakesink name=sink sync=false signal-handoffs=true')
numbers = []

def got(_sink, buffer, _pad):
    _ok, m = buffer.map(Gst.MapFlags.READ)
    numbers.extend(int(n) for n in re.findall(rb'au=(\d{12})', m.data))
    buffer.unmap(m)

pipe.get_by_name('sink').connect('handoff', got)
pipe.set_state(Gst.State.PLAYING)
pipe.get_state(10 * Gst.SECOND)
pipe.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH, int(seconds * Gst.SECOND))
end = pipe.get_bus().timed_pop_filtered(20 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipe.set_state(Gst.State.NULL)
print(json.dumps({'numbers': numbers, 'end': 'eos' if end and end.type == Gst.MessageType.EOS else str(end and end.parse_error())}))
