#!/usr/bin/env python3
"""A strategy that learns: where the policy permits the background, it draws the lane that has served that kind best so far,
and a fifth of the time either one. It says how likely each draw was, so that the report can estimate what would have come
of the other lane. It decides by what it is asked, by what it hears and by the coin of each task alone.
"""
import json
import sys

EXPLORE = 0.2
LANES = ("interactive", "background")


def rate(known, kind, lane):
    heard, good = known.get((kind, lane), (0, 0))
    return (good + 1) / (heard + 2)


def decide(question, known):
    if not question["decision"]["background_permitted"]:
        return {"by_policy": True}
    interactive, background = (rate(known, question["kind"], lane) for lane in LANES)
    greedy = 0.5 if interactive == background else float(background > interactive)
    likely = EXPLORE / 2 + (1 - EXPLORE) * greedy
    if question["chance"] < likely:
        return {"execution": "background", "propensity": likely}
    return {"execution": "interactive", "propensity": 1 - likely}


def main():
    json.loads(sys.stdin.readline())
    print(json.dumps({"ready": True, "learns": True}), flush=True)
    known, kinds = {}, {}
    for line in sys.stdin:
        said = json.loads(line)
        if "heard" in said:
            heard = said["heard"]
            cell = (kinds.pop(heard["task"]), heard["execution"])
            count, good = known.get(cell, (0, 0))
            known[cell] = (count + 1, good + heard["good"])
            continue
        kinds[said["task"]] = said["kind"]
        print(json.dumps(decide(said, known)), flush=True)


if __name__ == "__main__":
    main()
