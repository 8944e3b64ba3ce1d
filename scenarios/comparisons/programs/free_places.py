#!/usr/bin/env python3
"""A strategy of your own, in any language: one JSON line a question, one JSON line an answer.

Long work leaves the interactive lane where the policy lets it; short work goes to the background only while the
interactive lane has no free place and the policy permits it. What leaves is asked for on the cheap service tier, if
that may be named; and in every lane whoever has the least time left goes first. `lanebench compare --protocol` lists
every field.
"""
import json
import sys


def decide(question, tiers):
    decision, lane = question["decision"], question["lanes"]["interactive"]
    slow = question["attributes"].get("multi_step_or_slow") is True
    full = lane["active"] + lane["waiting"] >= lane["capacity"]
    leaves = decision["background_permitted"] and (slow or full)
    answer = {"execution": "background" if leaves else "interactive"}
    if "target" in question:
        answer["due"] = question["target"]
    if leaves and "flex" in tiers:
        answer["tier"] = "flex"
    return answer


def main():
    greeting = json.loads(sys.stdin.readline())
    assert greeting["lanebench"] == "strategy" and greeting["version"] == 1, greeting
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(decide(json.loads(line), greeting["tiers"])), flush=True)


if __name__ == "__main__":
    main()
