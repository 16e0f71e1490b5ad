"""A subscriber to labels in a process of its own, which a test can stop and wake.

    python3 counting_subscriber.py ENDPOINT STREAM

Says "ready" when its subscription is in force, then reads until the labels of a producer "end" come, and prints in JSON how
many messages it got and how many it missed, by their numbers.
"""

import json
import sys

import zmq

from emulsion.v1 import labels_pb2

PROBE = b"emulsion.v1.probe.model."  # is published to whoever subscribes to it

endpoint, stream = sys.argv[1:]
socket = zmq.Context().socket(zmq.SUB)
socket.rcvhwm = 10
socket.rcvbuf = 65536
socket.connect(endpoint)
socket.subscribe(f"emulsion.v1.{stream}.labels.")
socket.subscribe(PROBE)

first = last = None
received = missed = 0
while True:
    topic, payload = socket.recv_multipart()
    if topic == PROBE:
        print("ready", flush=True)
        socket.unsubscribe(PROBE)
        continue
    labels = labels_pb2.Labels.FromString(payload)
    if first is None:
        first = last = labels.topic_sequence
    else:
        missed += labels.topic_sequence - last - 1
        last = labels.topic_sequence
    received += 1
    if labels.producer == "end":
        break
print(json.dumps({"first": first, "last": last, "received": received, "missed": missed}))
