"""Event files as TensorBoard writes them, and a learning-rate range test, for train and io/tensorboard."""

import json

import tensorboard
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from common import HERE


class Sink:
    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data

    def flush(self):
        pass


histogram = HistogramProto(
    min=-1.5, max=2.5, num=4, sum=1.25, sum_squares=9.0, bucket_limit=[-0.5, 0.75, 2.5], bucket=[1, 2, 1]
)
events = [
    Event(wall_time=1700000000.25, file_version="brain.Event:2"),
    Event(wall_time=1700000001.5, step=7, session_log=SessionLog(status=SessionLog.START)),
    Event(
        wall_time=1700000002.75,
        step=300,
        summary=Summary(
            value=[
                Summary.Value(tag="step/loss", simple_value=0.1),
                Summary.Value(tag="step/zero", simple_value=0.0),
                Summary.Value(tag="weights/größe", histo=histogram),
            ]
        ),
    ),
    Event(wall_time=1700000003.0, step=5_000_000_000, summary=Summary(value=[Summary.Value(tag="a", simple_value=-2)])),
]
sink = Sink()
writer = RecordWriter(sink)
for event in events:
    writer.write(event.SerializeToString())
body = {"made": {"tensorboard": tensorboard.__version__}, "file": sink.data.hex()}
(HERE / "tensorboard.json").write_text(json.dumps(body, separators=(",", ":")) + "\n")
print("tensorboard", len(sink.data), "bytes")
