#!/usr/bin/env python3
"""A front over the records of a topic, as any program can be: keeps what the chain holds, also when it goes over to
another branch. Python's standard library alone.

    python3 follow_records.py DATA_DIR TOPIC [--once]

Prints a line of JSON whenever something is added or taken back; --once ends when all of it was told. It says nothing
of what is valid: that, the network's application has judged.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def ask(data_dir, path):
    """What the API of the node with this data directory answers."""
    with open(f"{data_dir}/api.json", encoding="utf-8") as file:
        api = json.load(file)
    headers = {"Authorization": f"Bearer {api['token']}"}
    request = urllib.request.Request(f"http://{api['address']}/api/v1{path}", headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)


def main():
    parser = argparse.ArgumentParser(description="Follows the records of a topic.")
    parser.add_argument("data_dir")
    parser.add_argument("topic")
    parser.add_argument("--once", action="store_true", help="end when all was told")
    arguments = parser.parse_args()
    path = "/records/" + urllib.parse.quote(arguments.topic, safe="")
    cursor, held = None, []
    while True:
        after = "" if cursor is None else "?after=" + urllib.parse.quote(cursor)
        try:
            page = ask(arguments.data_dir, path + after)
        except urllib.error.HTTPError as refused:
            sys.exit(json.load(refused)["detail"])
        for entry in page["entries"]:
            if entry["event"] == "added":
                held.append(entry["id"])
            else:
                held.remove(entry["id"])
            body = entry["body"]
            line = {"event": entry["event"], "id": entry["id"], "body": body, "held": len(held)}
            print(json.dumps(line), flush=True)
        cursor = page["cursor"]
        if page["next"] is None:
            if arguments.once:
                return
            time.sleep(0.5)


if __name__ == "__main__":
    main()
