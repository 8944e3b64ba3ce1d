"""The official OpenAI Python SDK, unmodified, against `lanebench serve`: a stranger's word that the mock is faithful."""

import http.server
import queue
import sys
import threading
import time

import openai

SECRET = "whsec_bGFuZWJlbmNoLXdlYmhvb2stc2VjcmV0LTAwMDE="
passed = 0


def check(what, holds):
    global passed
    if not holds:
        print(f"FAILED: {what}")
        sys.exit(1)
    passed += 1
    print(f"ok: {what}")


def until_ended(client, response, seconds=20):
    deadline = time.monotonic() + seconds
    seen = [response.status]
    while response.status in ("queued", "in_progress"):
        if time.monotonic() > deadline:
            check(f"{response.id} ends within {seconds} s", False)
        time.sleep(0.1)
        response = client.responses.retrieve(response.id)
        if response.status != seen[-1]:
            seen.append(response.status)
    return response, seen


def receive_webhooks(port):
    """A receiver on the loopback interface that keeps the raw bytes."""
    arrived = queue.Queue()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            arrived.put((body, dict(self.headers.items())))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", port), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return arrived


def main(base_url, webhook_port):
    arrived = receive_webhooks(int(webhook_port))
    client = openai.OpenAI(base_url=base_url, api_key="sk-lanebench", webhook_secret=SECRET)

    # The first create is turned away once; the SDK repeats it by itself.
    raw = client.responses.with_raw_response.create(
        model="gpt-5", input="Write the report.", background=True, metadata={"job": "one"}
    )
    check("a 429 with a wait is retried by the SDK", raw.retries_taken == 1)
    first = raw.parse()
    check("a background create answers queued at once", first.status == "queued" and first.output == [])
    first, seen = until_ended(client, first)
    check("it goes from queued over in_progress to completed", seen == ["queued", "in_progress", "completed"])
    check("a completed response has text and usage", len(first.output_text) > 20 and first.usage.total_tokens > 0)
    check("metadata come back", first.metadata == {"job": "one"})

    second = client.responses.create(model="gpt-5", input="Never mind.", background=True)
    cancelled = client.responses.cancel(second.id)
    again = client.responses.cancel(second.id)
    check("a running response is cancelled", cancelled.status == "cancelled")
    check("cancelling twice gives the same object", again.status == "cancelled" and again.id == cancelled.id)

    # A stream is broken off after a few events and resumed behind the cursor.
    cursor, text, response_id = None, "", None
    with client.responses.create(model="gpt-5", input="Tell me.", background=True, stream=True) as stream:
        for event in stream:
            cursor = event.sequence_number
            if event.type == "response.created":
                response_id = event.response.id
            if event.type == "response.output_text.delta":
                text += event.delta
                break
    check("a stream numbers its events and names its response", response_id is not None and cursor > 3)
    numbers, final = [], None
    for event in client.responses.retrieve(response_id, stream=True, starting_after=cursor):
        numbers.append(event.sequence_number)
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.completed":
            final = event.response
    check("a resumed stream goes on behind the cursor without a gap",
          numbers == list(range(cursor + 1, cursor + 1 + len(numbers))))
    check("the deltas of both parts are the whole text", final is not None and text == final.output_text)

    # Every ended background response has its webhook; the SDK itself verifies the signatures.
    kinds, ids = set(), set()
    for _ in range(3):
        body, headers = arrived.get(timeout=20)
        event = client.webhooks.unwrap(body.decode(), headers)
        kinds.add(event.type)
        ids.add(event.data.id)
    check("webhooks are signed as the SDK wants them", kinds == {"response.completed", "response.cancelled"})
    check("they name the responses", ids == {first.id, second.id, response_id})
    try:
        client.webhooks.unwrap(body.decode() + " ", headers)
        check("a changed body is refused", False)
    except openai.InvalidWebhookSignatureError:
        check("a changed body is refused", True)

    try:
        client.responses.retrieve("resp_0000")
        check("an unknown id is a NotFoundError", False)
    except openai.NotFoundError as error:
        check("an unknown id is a NotFoundError", "not found" in str(error))
    try:
        openai.OpenAI(base_url=base_url, api_key="sk-wrong").responses.retrieve(first.id)
        check("a wrong key is an AuthenticationError", False)
    except openai.AuthenticationError as error:
        check("a wrong key is an AuthenticationError", error.code == "invalid_api_key")
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
