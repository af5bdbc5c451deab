"""Reads cases {"files": {name: text}} from stdin, one JSON value a line, and
prints for each what DVC makes of its dvc.yaml: the resolved stages, or the
message of the error."""
import json
import logging
import os
import sys
import tempfile

os.environ["NO_COLOR"] = "1"

from dvc.dvcfile import load_file
from dvc.exceptions import DvcException
from dvc.repo import Repo

logging.disable(logging.CRITICAL)
out = os.fdopen(os.dup(1), "w")
root = tempfile.mkdtemp()
os.chdir(root)
Repo.init(no_scm=True)
repo = Repo(root)


def plain(v):
    if isinstance(v, dict):
        return {str(k): plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return v


def strip(text):
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)


for line in sys.stdin:
    case = json.loads(line)
    for name in os.listdir(root):
        if name != ".dvc" and os.path.isfile(name):
            os.unlink(name)
    for name, text in case["files"].items():
        with open(name, "w", encoding="utf-8") as f:
            f.write(text)
    try:
        repo._reset()
        file = load_file(repo, os.path.join(root, "dvc.yaml"))
        stages = []
        for name in file.resolver.get_keys():
            stage = file.stages[name]
            fields = file.resolver.resolve_one(name)[name]
            stages.append({
                "name": name,
                "fields": plain(fields),
                "deps": [d.def_path for d in stage.deps],
                "outs": [o.def_path for o in stage.outs],
                "parametrized": bool(stage.raw_data.parametrized),
            })
        res = {"stages": stages}
    except DvcException as e:
        res = {"error": strip(str(e))}
    except Exception as e:  # DVC crashes
        res = {"crash": f"{type(e).__name__}: {e}"}
    print(json.dumps(res), file=out, flush=True)
