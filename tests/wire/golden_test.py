#!/usr/bin/python3
"""The golden files hold the messages that are written out below, field by field.

golden_test.cc makes the same promise for C++, so that both languages read and write the same bytes.
Needs the generated modules: PYTHONPATH=build/<preset>/python.

    golden_test.py            checks
    golden_test.py --write    writes the files anew, after a deliberate change of the contract
"""

import pathlib
import struct
import sys
import unittest

from emulsion.v1 import acknowledged_pb2, control_pb2, events_pb2, labels_pb2, model_pb2, points_pb2

FOLDER = pathlib.Path(__file__).resolve().parent / "golden"
NAN = float("nan")


def u64(*numbers):
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def f64(*numbers):
    return struct.pack(f"<{len(numbers)}d", *numbers)


def f32(*numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


def model(covariance_type, covariances):
    """Two components in two dimensions that differ in everything but their family."""
    return {
        "stream": "radar",
        "topic_sequence": 7,
        "daemon_session": 0xFEDCBA9876543210,
        "version": 42,
        "dimension": 2,
        "points_learned": 1000000,
        "effective_sample_size": 512.5,
        "mean_log_likelihood": -3.25,
        "components": [
            {
                "id": 1,
                "weight": 0.75,
                "effective_sample_size": 384.375,
                "gaussian": {
                    "covariance_type": covariance_type,
                    "mean": [0.1, 5.0],
                    "covariance": covariances[0],
                },
            },
            {
                "id": 300,
                "weight": 0.25,
                "effective_sample_size": 0.5,
                "starved": True,
                "parents": [1, 2],
                "gaussian": {
                    "covariance_type": covariance_type,
                    "mean": [-5.0, 1e-300],
                    "covariance": covariances[1],
                },
            },
        ],
        "sources": [{"producer": "a1", "session": 0x0123456789ABCDEF, "last_sequence": 812}],
    }


def mixed():
    """A Gaussian and a product, whose coordinates have names."""
    result = model("COVARIANCE_TYPE_FULL", [[2.0, 0.5, 3.0], [4.0, -0.25, 1.0]])
    del result["components"][1]["gaussian"]
    result["components"][1]["distribution"] = {
        "family": "normal[0]*poisson[1]",
        "parameters": [
            {"name": "normal[0].mean", "values": [-5.0]},
            {"name": "normal[0].covariance", "values": [4.0]},
            {"name": "poisson[1].rate", "values": [2.5]},
        ],
        "mean": [-5.0, 2.5],
        "variance": [4.0, 2.5],
    }
    result["columns"] = ["waiting", "people"]
    return result


FULL = model("COVARIANCE_TYPE_FULL", [[2.0, 0.5, 3.0], [4.0, -0.25, 1.0]])

STATUS = {
    "version": "0.1.0",
    "uptime_seconds": 12.5,
    "messages_received": 1001,
    "refusals": [{"stage": "message", "reason": "unknown_stream", "count": 3}],
    "messages_published": 2002,
    "degraded": "disk full",
    "streams": [
        {
            "stream": "radar",
            "phase": "STREAM_PHASE_PAUSED",
            "dimension": 2,
            "components": 3,
            "model_version": 42,
            "points_accepted": 10,
            "points_learned": 11,
            "points_labelled": 12,
            "points_waiting": 13,
            "points_to_seed": 14,
            "points_paused": 15,
            "batches": 16,
            "updates_failed": 17,
            "repairs": 18,
            "effective_sample_size": 512.5,
            "mean_log_likelihood": -3.25,
            "refusals": [{"stage": "row", "reason": "not_finite", "count": 4}],
            "producers": [
                {
                    "producer": "a1",
                    "session": 0x0123456789ABCDEF,
                    "last_sequence": 20,
                    "messages": 21,
                    "rows_accepted": 22,
                    "rows_refused": 23,
                    "messages_missing": 24,
                    "messages_duplicate": 25,
                    "messages_reordered": 26,
                    "restarts": 27,
                }
            ],
            "digest": "00ff",
            "state_digest": "ff00",
        },
        {"stream": "sonar", "phase": "STREAM_PHASE_WARMING_UP"},
    ],
    "daemon_session": 0xFEDCBA9876543210,
}

# File: type of the message, and every field that is not at its default.
GOLDEN = {
    "points_f64": (
        points_pb2.Points,
        {
            "producer": "a1",
            "session": 0x0123456789ABCDEF,
            "sequence": 812,
            "rows": 3,
            "cols": 2,
            "element_type": "ELEMENT_TYPE_F64",
            "values": f64(1, 2, 3, NAN, -0.5, 1e300),
        },
    ),
    "points_f32": (
        points_pb2.Points,
        {
            "producer": "roof:north.2",
            "session": 1,
            "sequence": 2**64 - 1,
            "rows": 2,
            "cols": 3,
            "element_type": "ELEMENT_TYPE_F32",
            "values": f32(1, 2, 3, 0.5, -0.25, 0.1),
            "unix_nanoseconds": [1700000000123456789, -1],
            "weights": [1.0, 2.5],
            "end_of_stream": True,
        },
    ),
    "labels": (
        labels_pb2.Labels,
        {
            "stream": "radar",
            "topic_sequence": 5,
            "daemon_session": 0xFEDCBA9876543210,
            "producer": "a1",
            "session": 0x0123456789ABCDEF,
            "sequence": 812,
            "rows": 3,
            "component_ids": u64(300, 0, 1),
            "log_densities": f64(-1.5, NAN, -1e9),
            "responsibilities": f64(0.25, 0.75, NAN, NAN, 1, 0),
            "model_spans": [{"model_version": 41, "rows": 2}, {"model_version": 42, "rows": 1}],
        },
    ),
    "model_full": (model_pb2.Model, FULL),
    "model_diagonal": (model_pb2.Model, model("COVARIANCE_TYPE_DIAGONAL", [[2.0, 3.0], [4.0, 1.0]])),
    "model_spherical": (model_pb2.Model, model("COVARIANCE_TYPE_SPHERICAL", [[2.0], [4.0]])),
    "model_mixed": (model_pb2.Model, mixed()),
    "model_tied": (model_pb2.Model, model("COVARIANCE_TYPE_TIED", [[2.0, 0.5, 3.0], [2.0, 0.5, 3.0]])),
    "event": (
        events_pb2.Event,
        {
            "stream": "radar",
            "topic_sequence": 9,
            "daemon_session": 0xFEDCBA9876543210,
            "kind": "EVENT_KIND_GAP",
            "model_version": 42,
            "points_learned": 1000000,
            "component_ids": [1, 300],
            "producer": "a1",
            "count": 4,
            "text": "4 messages of a1 are missing \u2013 so far",
        },
    ),
    "hello": (acknowledged_pb2.Hello, {"producer": "a1", "session": 0x0123456789ABCDEF, "question": 300}),
    "acknowledgement": (
        acknowledged_pb2.Acknowledgement,
        {
            "stream": "radar",
            "producer": "a1",
            "session": 0x0123456789ABCDEF,
            "daemon_session": 0xFEDCBA9876543210,
            "next_sequence": 812,
            "expected_sequence": 900,
            "credit": 1024,
            "question": 300,
            "out_of_order": True,
            "fault": "not saved",
        },
    ),
    "request_status": (control_pb2.ControlRequest, {"request_id": 1, "status": {}}),
    "request_list": (control_pb2.ControlRequest, {"request_id": 2, "list": {}}),
    "request_get_model": (control_pb2.ControlRequest, {"request_id": 3, "get_model": {"stream": "radar"}}),
    "request_save": (control_pb2.ControlRequest, {"request_id": 4, "save": {"stream": "radar"}}),
    "request_reset": (control_pb2.ControlRequest, {"request_id": 5, "reset": {"stream": "radar"}}),
    "request_pause": (control_pb2.ControlRequest, {"request_id": 6, "pause": {"stream": "radar"}}),
    "request_resume": (control_pb2.ControlRequest, {"request_id": 7, "resume": {"stream": "radar"}}),
    "request_flush": (control_pb2.ControlRequest, {"request_id": 8, "flush": {"stream": "radar"}}),
    "request_shutdown": (control_pb2.ControlRequest, {"request_id": 2**64 - 1, "shutdown": {}}),
    "request_status_of_one": (control_pb2.ControlRequest, {"request_id": 10, "status": {"stream": "radar"}}),
    "reply_error": (
        control_pb2.ControlReply,
        {
            "request_id": 1,
            "error": {"code": "CONTROL_ERROR_CODE_UNKNOWN_STREAM", "message": 'no stream "sonar"'},
        },
    ),
    "reply_status": (control_pb2.ControlReply, {"request_id": 1, "status": STATUS}),
    "reply_list": (control_pb2.ControlReply, {"request_id": 2, "list": {"streams": ["radar", "sonar"]}}),
    "reply_get_model": (control_pb2.ControlReply, {"request_id": 3, "get_model": {"model": FULL}}),
    "reply_save": (control_pb2.ControlReply, {"request_id": 4, "save": {"streams": ["radar"]}}),
    "reply_reset": (control_pb2.ControlReply, {"request_id": 5, "reset": {}}),
    "reply_pause": (control_pb2.ControlReply, {"request_id": 6, "pause": {}}),
    "reply_resume": (control_pb2.ControlReply, {"request_id": 7, "resume": {}}),
    "reply_flush": (control_pb2.ControlReply, {"request_id": 8, "flush": {"points": 17}}),
    "reply_shutdown": (control_pb2.ControlReply, {"request_id": 2**64 - 1, "shutdown": {}}),
}


def path_of(name):
    return FOLDER / f"{name}.binpb"


def plain(field, value):
    if field.message_type:
        return fields_of(value)
    if field.enum_type:
        return field.enum_type.values_by_number[value].name
    return value


def fields_of(message):
    """Every field that is not at its default, down to plain values."""
    return {
        field.name: [plain(field, item) for item in value] if field.label == field.LABEL_REPEATED else plain(field, value)
        for field, value in message.ListFields()
    }


def fields_used(message):
    """Full names of the fields that are not at their default, at any depth."""
    for field, value in message.ListFields():
        yield field.full_name
        if field.message_type:
            for item in value if field.label == field.LABEL_REPEATED else [value]:
                yield from fields_used(item)


class GoldenTest(unittest.TestCase):
    maxDiff = None

    def test_every_file_decodes_to_its_message(self):
        for name, (message_type, expected) in GOLDEN.items():
            with self.subTest(name):
                self.assertEqual(fields_of(message_type.FromString(path_of(name).read_bytes())), expected)

    def test_every_message_encodes_to_its_file(self):
        for name, (message_type, expected) in GOLDEN.items():
            with self.subTest(name):
                self.assertEqual(message_type(**expected).SerializeToString(), path_of(name).read_bytes())

    def test_every_file_has_its_message(self):
        self.assertEqual({path.stem for path in FOLDER.glob("*.binpb")}, set(GOLDEN))

    def test_every_field_of_the_contract_is_in_some_file(self):
        used = set()
        for name, (message_type, _) in GOLDEN.items():
            used.update(fields_used(message_type.FromString(path_of(name).read_bytes())))
        contract = {
            field.full_name
            for module in (acknowledged_pb2, control_pb2, events_pb2, labels_pb2, model_pb2, points_pb2)
            for message_type in module.DESCRIPTOR.message_types_by_name.values()
            for field in message_type.fields
        }
        self.assertEqual(contract - used, set())


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        for golden, (golden_type, value) in GOLDEN.items():
            path_of(golden).write_bytes(golden_type(**value).SerializeToString())
    else:
        unittest.main()
