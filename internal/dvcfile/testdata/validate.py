"""Reads values {"kind": "project"|"lock"|"dvc", "value": ...} from stdin, one a
line, and prints what DVC's schema says of each: a list of [message, path]."""
import json
import os
import sys

out = os.fdopen(os.dup(1), "w")

from dvc import schema
from voluptuous import MultipleInvalid

SCHEMAS = {
    "project": schema.COMPILED_MULTI_STAGE_SCHEMA,
    "lock": schema.COMPILED_LOCKFILE_SCHEMA,
    "dvc": schema.COMPILED_SINGLE_STAGE_SCHEMA,
}

for line in sys.stdin:
    case = json.loads(line)
    try:
        SCHEMAS[case["kind"]](case["value"])
        res = []
    except MultipleInvalid as e:
        res = [[x.error_message, " -> ".join(map(str, x.path))] for x in e.errors]
    print(json.dumps(res), file=out, flush=True)
