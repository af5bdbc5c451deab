"""Answers for cases of .dvcignore files with dvc.ignore's own classes.

Reads one JSON object a line: {"files": {path: text}, "dirs": [path], "ask": [path]}.
A path that is asked about ends in a slash if it is a directory. Writes the object
again with "say": for each path "-" or "+" (ignored), a blank, and the pattern that
decided as check-ignore names it; or with "error" where DVC fails.
"""

import io
import json
import posixpath
import sys

from dvc.fs import LocalFileSystem
from dvc.ignore import DvcIgnoreFilter

ROOT = "/root"


class Tree(LocalFileSystem):
    """A tree in memory that answers what the filter asks a file system."""

    def __init__(self, files, dirs):
        super().__init__()
        self.texts = {f"{ROOT}/{p}": t for p, t in files.items()}
        self.folders = {ROOT, *(f"{ROOT}/{p}" for p in dirs)}

    def exists(self, path, *args, **kwargs):
        return path in self.texts or path in self.folders

    def isdir(self, path):
        return path in self.folders

    def open(self, path, *args, **kwargs):
        return io.StringIO(self.texts[path], newline=None)

    def walk(self, path, **kwargs):
        inside = [d for d in self.folders if posixpath.dirname(d) == path]
        yield path, sorted(posixpath.basename(d) for d in inside), []


def main():
    for line in sys.stdin:
        case = json.loads(line)
        try:
            asked = DvcIgnoreFilter(Tree(case["files"], case["dirs"]), ROOT)
            case["say"] = []
            for path in case["ask"]:
                r = asked.check_ignore(f"{ROOT}/{path.rstrip('/')}")
                case["say"].append(
                    "-+"[r.match] + " " + " ".join(map(str, r.pattern_infos))
                )
        except Exception as e:
            case.pop("say", None)
            case["error"] = f"{type(e).__name__}: {e}"
        print(json.dumps(case), flush=True)


main()
