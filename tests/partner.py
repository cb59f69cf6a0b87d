"""A partner's program that uses the documented client. Tests kill it and start it again.

The command `post` sends facts. The command `follow` writes down the position of each event of the log.
"""

import importlib.util
import os
import sys
from pathlib import Path

FILE = Path(__file__).parents[1] / "docs" / "client.py"


def client():
    """The client module of the documentation, loaded from its file as a partner would load a copy."""
    spec = importlib.util.spec_from_file_location("suyuan_client", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fact(number):
    documents = [{"kind": "上级指标文号", "number": f"示例〔2020〕{number}号"}]
    data = {"occurred_on": "2020-07-01", "actor": "示例", "documents": documents, "budget_year": 2020, "amount": "0.01"}
    return {
        "specversion": "1.0",
        "id": f"fact-{number}",
        "source": "/example/sender",
        "type": "AppropriationReceived",
        "subject": "fund/yx-ip-2018",
        "data": data,
    }


def append(file, line):
    with file.open("a") as stream:
        stream.write(f"{line}\n")
        stream.flush()
        os.fsync(stream.fileno())


def main(command, url, key, folder):
    suyuan, folder = client().Suyuan(url, key, longest=0.5), Path(folder)
    if command == "post":
        posted = folder / "posted"
        first = len(posted.read_text().splitlines()) if posted.exists() else 0
        for number in range(first, int(os.environ["FACTS"])):
            outcome = suyuan.post(fact(number))
            append(posted, f"{number} {outcome['position']}")
    else:
        for event in suyuan.follow(folder / "cursor", pause=0.05):
            append(folder / "followed", event["position"])


if __name__ == "__main__":
    main(*sys.argv[1:])
