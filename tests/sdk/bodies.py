"""Every JSON body of the server, read strictly by the types of the official OpenAI Python SDK."""

import json
import sys
import urllib.error
import urllib.request

import pydantic
from openai.types import Model
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItem, ConversationItemList
from openai.types.responses import CompactedResponse, InputTokenCountResponse, Response, ResponseItemList
from openai.types.shared import ErrorObject

passed = 0
needed = set()


def only_of_the_model(operation, body):
    """Takes the messages of the user out of a compaction."""
    compaction = operation.endswith("/compact")
    if compaction:
        body["output"] = [item for item in body["output"] if item["type"] != "message"]
    return compaction


# Where the wire is documented to differ from the types of the SDK: why, and how it is taken away.
DIFFERS = {
    "user messages of a compaction": ("it expects the model's messages alone there", only_of_the_model),
}


class Models(pydantic.BaseModel):
    """The SDK reads a list as a page, and has no type of its own for it."""

    object: str
    data: list[Model]


class Deleted(pydantic.BaseModel):
    """The SDK throws the reply to a delete away."""

    model_config = pydantic.ConfigDict(extra="forbid")
    id: str
    object: str
    deleted: bool


class Refused(pydantic.BaseModel):
    error: ErrorObject


def main(_what, base_url, _webhook_port):
    def ask(operation, body=None, key="sk-lanebench"):
        method, path = operation.split(" ")
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        request = urllib.request.Request(base_url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def held(kind, operation, body=None):
        """A success is of this type, and so is the refusal of somebody whom nobody knows."""
        global passed
        status, found = ask(operation, body)
        refused, error = ask(operation, body, "sk-wrong")
        if (status, refused) != (200, 401):
            print(f"FAILED: {operation} answers {status} and {refused}: {found} {error}")
            sys.exit(1)
        for what, (_why, settle) in DIFFERS.items():
            if settle(operation, found):
                needed.add(what)
        pydantic.TypeAdapter(kind).validate_python(found)
        pydantic.TypeAdapter(Refused).validate_python(error)
        passed += 1
        print(f"ok: {operation.split('?')[0]} is of the SDK's own types")
        return found

    hello = {"model": "gpt-5", "input": "hello"}
    made = held(Response, "POST /responses", hello | {"background": True, "metadata": {"stays": "queued"}})["id"]
    held(Response, f"GET /responses/{made}")
    held(Response, f"POST /responses/{made}/cancel")
    held(ResponseItemList, f"GET /responses/{made}/input_items?order=asc")
    held(InputTokenCountResponse, "POST /responses/input_tokens", hello)
    held(CompactedResponse, "POST /responses/compact", hello)
    model = held(Models, "GET /models")["data"][0]["id"]
    held(Model, f"GET /models/{model}")
    words = [{"type": "message", "role": "user", "content": "Hello."}]
    talk = held(Conversation, "POST /conversations", {"metadata": {"topic": "rain"}, "items": words})["id"]
    held(Conversation, f"GET /conversations/{talk}")
    held(Conversation, f"POST /conversations/{talk}", {"metadata": {"topic": "wind"}})
    held(Response, "POST /responses", hello | {"conversation": talk})
    item = held(ConversationItemList, f"POST /conversations/{talk}/items", {"items": words})["data"][0]["id"]
    held(ConversationItemList, f"GET /conversations/{talk}/items")
    held(ConversationItem, f"GET /conversations/{talk}/items/{item}")
    # The refusal of a wrong key comes behind the first deletion, and does not need what is gone.
    held(Conversation, f"DELETE /conversations/{talk}/items/{item}")
    held(ConversationDeletedResource, f"DELETE /conversations/{talk}")
    held(Deleted, f"DELETE /responses/{made}")
    for operation, status in (("GET /nothing", 404), ("PUT /models", 405), (f"GET /responses/{made}", 404)):
        answered, body = ask(operation)
        if answered != status:
            print(f"FAILED: {operation} answers {answered}: {body}")
            sys.exit(1)
        pydantic.TypeAdapter(Refused).validate_python(body)
    if needed != DIFFERS.keys():
        print(f"FAILED: documented, but nothing differs: {DIFFERS.keys() - needed}")
        sys.exit(1)
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
