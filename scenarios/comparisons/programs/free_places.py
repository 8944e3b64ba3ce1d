#!/usr/bin/env python3
"""A strategy of your own, in any language: one JSON line a question, one JSON line an answer.

Long work leaves the interactive lane where the policy lets it; short work goes to the background only while the
interactive lane has no free place and the policy permits it.
"""
import json
import sys


def decide(question):
    decision, lane = question["decision"], question["lanes"]["interactive"]
    slow = question["attributes"].get("multi_step_or_slow") is True
    full = lane["active"] + lane["waiting"] >= lane["capacity"]
    if decision["background_permitted"] and (slow or full):
        return {"execution": "background"}
    return {"execution": "interactive"}


def main():
    greeting = json.loads(sys.stdin.readline())
    assert greeting["lanebench"] == "strategy" and greeting["version"] == 1, greeting
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(decide(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
