"""Make the calls of cases with the real dvclive, each in a folder of its own.

usage: replay.py CASES.json DIR       prints {case: {"errors": [numbers of failed calls], "steps": {logger: step}}}

The format is that of the golden cases of the live package. numpy is needed
only for values and arrays of its types.
"""
import base64
import json
import os
import subprocess
import sys
import time

os.environ["DVC_NO_ANALYTICS"] = "1"
os.environ.setdefault("DVCLIVE_LOGLEVEL", "CRITICAL")

from dvclive import Live  # noqa: E402

clock = [1700000000000]
time.time = lambda: clock[0] / 1000


class Opaque:
    pass


def typed(obj):
    obj = {k: v for k, v in obj.items() if k != "repr"}
    ((kind, v),) = obj.items()
    if kind == "int":
        return int(v)
    if kind == "float":
        return float.fromhex(v)
    if kind in ("bool", "str"):
        return v
    if kind == "null":
        return None
    if kind == "list":
        return [typed(e) for e in v]
    if kind == "dict":
        return {k if isinstance(k, str) else typed(k): typed(e) for k, e in v}
    if kind == "unsupported":
        return Opaque()
    import numpy as np

    cls = getattr(np, kind.removeprefix("np."))
    return cls(float.fromhex(v) if "float" in kind else int(v))


def image(call):
    if "path" in call:
        return call["path"]
    if "value" in call:
        return typed(call["value"])
    import numpy as np

    a = call["array"]
    data = base64.b64decode(a["data"])
    return np.frombuffer(data, dtype=a["dtype"]).reshape(a["shape"])


def given(call, *names):
    return {n: call[n] for n in names if n in call}


class Runner:
    def __init__(self):
        self.loggers = {}

    def run(self, c):
        kind = c["call"]
        on = c.get("on", "live")
        if kind == "set_clock_ms":
            clock[0] = c["ms"]
            return
        if kind == "setenv":
            if c["value"] is None:
                os.environ.pop(c["name"], None)
            else:
                os.environ[c["name"]] = c["value"]
            return
        if kind == "write_file":
            os.makedirs(os.path.dirname(c["path"]) or ".", exist_ok=True)
            with open(c["path"], "w", newline="") as f:
                f.write(c["text"])
            return
        if kind == "live":
            self.loggers.pop(on, None)
            self.loggers[on] = Live(**c["options"])
            return
        live = self.loggers[on]
        if kind == "log_metric":
            live.log_metric(c["name"], typed(c["value"]), **given(c, "timestamp", "plot"))
        elif kind == "log_param":
            live.log_param(c["name"], typed(c["value"]))
        elif kind == "log_params":
            live.log_params(typed(c["params"]))
        elif kind == "log_image":
            live.log_image(c["name"], image(c))
        elif kind == "log_plot":
            extra = given(c, "template", "title", "x_label", "y_label")
            live.log_plot(c["name"], typed(c["datapoints"]), c["x"], c["y"], **extra)
        elif kind == "log_sklearn_plot":
            extra = given(c, "name", "title", "x_label", "y_label", "normalized")
            extra |= {k: typed(v) for k, v in c.get("kwargs", {}).items()}
            live.log_sklearn_plot(c["kind"], typed(c["labels"]), typed(c["predictions"]), **extra)
        elif kind == "log_artifact":
            extra = given(c, "type", "name", "desc", "labels", "copy", "cache")
            if "meta" in c:
                extra["meta"] = typed(c["meta"])
            live.log_artifact(c["path"], **extra)
        elif kind == "set_step":
            live.step = c["step"]
        elif kind == "set_summary":
            live.summary[c["key"]] = typed(c["value"])
        elif kind == "enter":
            live.__enter__()
        elif kind == "exit":
            live.__exit__(None, None, None)
        elif kind == "abandon":
            self.loggers.pop(on)
        else:
            getattr(live, kind)()


def replay(calls):
    clock[0] = 1700000000000
    env = dict(os.environ)
    runner = Runner()
    errors = []
    for i, c in enumerate(calls):
        try:
            runner.run(c)
        except Exception as e:  # noqa: BLE001
            errors.append(i)
            print(f"call {i}: {type(e).__name__}: {e}", file=sys.stderr)
    os.environ.clear()
    os.environ.update(env)
    return {"errors": errors, "steps": {name: live.step for name, live in runner.loggers.items()}}


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        cases = json.load(f)
    top = os.path.abspath(sys.argv[2])
    results = {}
    for case in cases:
        print("case", case["case"], file=sys.stderr)
        os.makedirs(os.path.join(top, case["case"]))
        os.chdir(os.path.join(top, case["case"]))
        if case.get("git"):
            for args in (["init", "-q"], ["config", "user.email", "a@example.com"], ["config", "user.name", "a"],
                         ["commit", "-q", "--allow-empty", "-m", "base"]):
                subprocess.run(["git", *args], check=True)
        results[case["case"]] = replay(case["calls"])
    print(json.dumps(results))
    sys.stdout.flush()
    os._exit(0)


main()
