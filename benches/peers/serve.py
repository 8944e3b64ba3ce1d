#!/usr/bin/env python3
"""The mock server beside the fastest mock servers of others: one run, one machine, one table.

    benches/peers/serve.py [--seconds 10] [--rounds 3] [--only lanebench]

Needs wrk (`apt-get install wrk`), cargo and Linux. Peers are installed below `benches/peers/target`, each at the version
written here, and are stopped by their process. Every request has another body; ours validates each, keeps its log and
answers with the whole set of keys. The peers take turns within a round, and each figure is the best of the rounds: on a
machine that does other work too, the best round is the one that was disturbed least.
"""

import argparse
import http.client
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = HERE / "target" / "serve"
KEY = "sk-lanebench"

SCENARIO = """\
scenario: a service that answers at once
shows: [completion]
policy: {root}/scenarios/policies/three-lane.yaml
kinds: {root}/scenarios/kinds.yaml
tasks: [{{ id: one, kind: web_research }}]
backend:
  latency: 0s
  script: {{ queued: {queued}, steps: [ {{ message: {{ tokens: 3 tokens, takes: 0s }} }} ] }}
{faults}
"""

# wrk asks for each request, so no two bodies are the same.
LUA = """\
local stream = os.getenv("STREAM") == "1" and ',"stream":true' or ''
local words = { "report", "invoice", "summary", "river", "mountain", "paper", "window" }
local n = 0
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer %s"
function request()
  n = n + 1
  local text = string.format("hello %%s %%d", words[n %% #words + 1], n)
  return wrk.format("POST", nil, nil, '{"model":"gpt-4o","input":"' .. text .. '"' .. stream .. '}')
end
""" % KEY


class Peer:
    """A server: how it is installed, started and asked."""

    def __init__(self, name, port, path, command, crate=None, files=()):
        self.name, self.port, self.path = name, port, path
        self.command, self.crate, self.files = command, crate, dict(files)

    def install(self):
        if self.crate is None:
            return
        root = TOOLS / self.name
        if not (root / "bin" / self.name).exists():
            print(f"installing {self.crate} (some minutes)", file=sys.stderr)
            subprocess.run(["cargo", "install", self.crate, "--locked", "--root", str(root)], check=True)

    def start(self, folder):
        """Starts it, and gives the process with the milliseconds to its first answer."""
        for name, text in self.files.items():
            (folder / name).write_text(text)
        began = time.monotonic()
        process = subprocess.Popen(self.command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while time.monotonic() - began < 30:
            try:
                if ask(self.port, self.path)[0] == 200:
                    return process, (time.monotonic() - began) * 1000
            except OSError:
                time.sleep(0.001)
        process.kill()
        sys.exit(f"{self.name} did not answer on port {self.port} within 30 s")


def ask(port, path, body=None, method="POST", key=KEY):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = json.dumps(body or {"model": "gpt-4o", "input": "hello"}) if method == "POST" else None
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, text


def resident(process, what="VmRSS"):
    """Resident memory in MiB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def load(url, lua, connections, seconds, streamed):
    """Requests per second, p50 and p99 in milliseconds of one wrk run; an answer that is no 2xx is an error."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(lua), url]
    environment = dict(os.environ, STREAM="1" if streamed else "0")
    text = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text:
        sys.exit(f"{url} answered with errors:\n{text}")
    found = {}
    for line in text.splitlines():
        words = line.split()
        if line.startswith("Requests/sec:"):
            found["rate"] = float(words[1])
        elif words[:1] in (["50%"], ["99%"]):
            found[words[0]] = millis(words[1])
    return found["rate"], found["50%"], found["99%"]


def millis(text):
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if text.endswith(unit):
            return float(text[: -len(unit)]) * factor
    raise ValueError(text)


def scenario(folder, name, queued="0s", faults=""):
    path = folder / name
    path.write_text(SCENARIO.format(root=ROOT, queued=queued, faults=faults))
    return path


def ours(folder, port, file):
    program = ROOT / "target" / "release" / "lanebench"
    return Peer("lanebench", port, "/v1/responses", [program, "serve", "--port", str(port), "--scenario", file])


def peers(folder):
    def bin_of(name):
        return str(TOOLS / name / "bin" / name)

    return [
        ours(folder, 4020, scenario(folder, "instant.yaml")),
        Peer(
            "llmposter", 4030, "/v1/responses", [bin_of("llmposter"), "-f", "fx.yaml", "-p", "4030"], "llmposter@0.5.0",
            {"fx.yaml": 'fixtures:\n  - match: {user_message: "hello"}\n    response: {content: "Hi there!"}\n'},
        ),
        Peer(
            "vidaimock", 4090, "/v1/responses",
            [bin_of("vidaimock"), "--host", "127.0.0.1", "-p", "4090", "--mode", "benchmark"], "vidaimock@0.3.1",
        ),
        Peer(
            "llmsim", 4080, "/openai/v1/responses",
            [bin_of("llmsim"), "serve", "--config", "s.toml", "--host", "127.0.0.1", "--port", "4080"], "llmsim@0.6.0",
            {"s.toml": '[server]\nport=4080\n[latency]\nprofile="instant"\n[response]\n'
                       'generator="fixed:Hi there!"\ntarget_tokens=3\n'},
        ),
    ]


COLUMNS = [("plain 1", 1, False), ("plain 32", 32, False), ("streamed 1", 1, True), ("streamed 32", 32, True)]


def side_by_side(folder, lua, args):
    chosen = [peer for peer in peers(folder) if args.only in (None, peer.name)]
    best = {}
    for peer in chosen:
        peer.install()
    for _ in range(args.rounds):
        for peer in chosen:
            process, started = peer.start(folder)
            before = resident(process)
            row = best.setdefault(peer.name, {"start": started})
            row["start"] = min(row["start"], started)
            for name, connections, streamed in COLUMNS:
                url = f"http://127.0.0.1:{peer.port}{peer.path}"
                rate, p50, p99 = load(url, lua, connections, args.seconds, streamed)
                if rate > row.get(name, (0,))[0]:
                    row[name] = (rate, p50, p99)
            row["memory"] = (before, resident(process))
            stop(process)
    print(f"{'requests per second (p50 / p99 ms)':36}" + "".join(f"{name:>28}" for name, *_ in COLUMNS)
          + f"{'MiB at start -> after':>24}{'start ms':>10}")
    for name, row in best.items():
        cells = "".join("{:>28}".format("{:,.0f} ({:.2f} / {:.2f})".format(*row[column])) for column, *_ in COLUMNS)
        memory = "{:.0f} -> {:.0f}".format(*row["memory"])
        print(f"{name:36}{cells}{memory:>24}{row['start']:>10.0f}")
    if args.only is None:
        for column, *_ in COLUMNS:
            fastest = max((row[column][0], name) for name, row in best.items() if name != "lanebench")
            print(f"  {column}: {best['lanebench'][column][0] / fastest[0]:.2f} times {fastest[1]}")


def what_is_done(folder):
    """What each server does with a request: the keys and bytes of its reply, and the status of what is wrong."""
    print(f"{'what is done with a request':36}{'keys':>6}{'bytes':>7}{'no key':>8}{'out of range':>14}{'unknown field':>15}"
          f"{'read again':>12}")
    for peer in peers(folder):
        peer.install()
        process, _ = peer.start(folder)
        plain = {"model": "gpt-4o", "input": "hello"}
        _, text = ask(peer.port, peer.path, plain)
        made = json.loads(text)
        statuses = [
            ask(peer.port, peer.path, plain, key=None)[0],
            ask(peer.port, peer.path, plain | {"temperature": 9})[0],
            ask(peer.port, peer.path, plain | {"no_such_field": 1})[0],
            ask(peer.port, f"{peer.path}/{made['id']}", method="GET")[0],
        ]
        stop(process)
        print(f"{peer.name:36}{len(made):>6}{len(text):>7}" + "".join(map("{:>{}}".format, statuses, (8, 14, 15, 12))))


def stop(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def memory_over_requests(folder, lua):
    """Resident memory after 100,000 and 1,000,000 requests, plain and streamed alternating."""
    peer = ours(folder, 4021, scenario(folder, "instant.yaml"))
    process, _ = peer.start(folder)
    url = f"http://127.0.0.1:{peer.port}{peer.path}"
    done, marks, streamed = 0, {}, False
    for goal in (100_000, 1_000_000):
        while done < goal:
            rate, *_ = load(url, lua, 32, 2, streamed)
            done += int(rate * 2)
            streamed = not streamed
        marks[goal] = (done, resident(process))
    stop(process)
    (first, small), (last, large) = marks.values()
    print(f"memory: {small:.1f} MiB after {first:,} requests, {large:.1f} MiB after {last:,} (growth {large - small:+.1f})")


def injected_delay(folder, lua):
    delayed = "faults: [ { exchange: create, delay: 100ms, may_stay_unused: a bench } ]"
    peer = ours(folder, 4022, scenario(folder, "delayed.yaml", faults=delayed))
    process, _ = peer.start(folder)
    rate, p50, p99 = load(f"http://127.0.0.1:{peer.port}{peer.path}", lua, 64, 10, False)
    stop(process)
    print(f"an injected 100 ms at 64 connections: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {rate:,.0f} requests a second")


def many_at_once(folder):
    """Background responses that all run, and connections that all idle."""
    peer = ours(folder, 4023, scenario(folder, "queued.yaml", queued="1h"))
    process, _ = peer_started_in_background(peer, folder)
    before = resident(process)
    connection = http.client.HTTPConnection("127.0.0.1", peer.port)
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    for number in range(10_000):
        body = json.dumps({"model": "gpt-4o", "input": f"hello {number}", "background": True})
        connection.request("POST", peer.path, body, headers)
        reply = connection.getresponse()
        text = reply.read()
        if reply.status != 200:
            sys.exit(f"create {number}: {reply.status} {text}")
    held = resident(process)
    idle = [socket.create_connection(("127.0.0.1", peer.port)) for _ in range(5_000)]
    waits = []
    for _ in range(200):
        began = time.monotonic()
        connection.request("POST", peer.path, json.dumps({"model": "gpt-4o", "input": "hi", "background": True}), headers)
        connection.getresponse().read()
        waits.append((time.monotonic() - began) * 1000)
    open_too = resident(process)
    for one in idle:
        one.close()
    stop(process)
    print(f"10,000 background responses at once: {before:.1f} -> {held:.1f} MiB "
          f"({(held - before) * 1024 / 10_000:.2f} KiB each)")
    print(f"5,000 idle connections beside them: {held:.1f} -> {open_too:.1f} MiB "
          f"({(open_too - held) * 1024 / 5_000:.2f} KiB each); others are answered in {statistics.median(waits):.2f} ms")


def many_sessions(folder, sessions=5_000):
    """Sessions that each make one response, and then all long ones that they can keep."""
    peer = ours(folder, 4024, scenario(folder, "instant.yaml"))
    peer.command += ["--sessions", str(sessions + 1)]
    process, _ = peer.start(folder)
    before = resident(process)
    connection = http.client.HTTPConnection("127.0.0.1", peer.port)

    def create(session, text):
        headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}", "x-lanebench-session": session}
        # A list of items is kept as it came, for whoever asks for it.
        body = {"model": "gpt-4o", "input": [{"role": "user", "content": text}]}
        connection.request("POST", peer.path, json.dumps(body), headers)
        reply = connection.getresponse()
        answer = reply.read()
        if reply.status != 200:
            sys.exit(f"session {session}: {reply.status} {answer}")

    for number in range(sessions):
        create(f"s{number}", f"hello {number}")
    opened = resident(process)
    for turn in range(4):
        for number in range(sessions):
            create(f"s{number}", "long " * 6_000)
    full = resident(process)
    page = ask(peer.port, "/metrics", method="GET")[1].decode()
    kept = next(int(line.split()[1]) for line in page.splitlines() if line.startswith('lanebench_kept_bytes{of="ended"}'))
    stop(process)
    print(f"{sessions:,} sessions with a response each: {before:.1f} -> {opened:.1f} MiB "
          f"({(opened - before) * 1024 / sessions:.2f} KiB each); with {4 * sessions:,} requests of 30 kB behind them: "
          f"{full:.1f} MiB, {kept / 2**20:.1f} MiB of them kept of requests")


def peer_started_in_background(peer, folder):
    """As [`Peer.start`], where the first answer is not worth waiting an hour for."""
    began = time.monotonic()
    process = subprocess.Popen(peer.command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while time.monotonic() - began < 30:
        try:
            socket.create_connection(("127.0.0.1", peer.port)).close()
            return process, (time.monotonic() - began) * 1000
        except OSError:
            time.sleep(0.001)
    sys.exit("lanebench did not listen within 30 s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="of each run of wrk (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server (default 3)")
    parser.add_argument("--only", help="only the server of this name, and nothing is compared")
    args = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lua = folder / "post.lua"
        lua.write_text(LUA)
        if args.only is None:
            what_is_done(folder)
        side_by_side(folder, lua, args)
        memory_over_requests(folder, lua)
        injected_delay(folder, lua)
        many_at_once(folder)
        many_sessions(folder)


if __name__ == "__main__":
    main()
