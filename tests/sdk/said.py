"""Every JSON body and event of the server, read strictly by the types of the official OpenAI Python SDK.

What the server says is written down by the tests of the project; `tests/differs.json` says where it is documented to differ.
"""

import json
import sys
from pathlib import Path

import pydantic
from openai.types import Model
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItem, ConversationItemList
from openai.types.responses import CompactedResponse, InputTokenCountResponse, Response, ResponseItemList
from openai.types.responses import ResponseStreamEvent
from openai.types.shared import ErrorObject
from openai.types.webhooks import UnwrapWebhookEvent


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
    model_config = pydantic.ConfigDict(extra="forbid")
    error: ErrorObject


TYPES = {
    "Response": Response,
    "ResponseItemList": ResponseItemList,
    "TokenCountsResource": InputTokenCountResponse,
    "CompactResource": CompactedResponse,
    "the deletion of a response": Deleted,
    "ListModelsResponse": Models,
    "Model": Model,
    "ConversationResource": Conversation,
    "DeletedConversationResource": ConversationDeletedResource,
    "ConversationItemList": ConversationItemList,
    "ConversationItem": ConversationItem,
    "ErrorResponse": Refused,
    "event": ResponseStreamEvent,
    "webhook": UnwrapWebhookEvent,
}


def fits(pattern, fields):
    for key, wanted in pattern.items():
        if isinstance(wanted, dict):
            there = key in fields
            if there if "absent" in wanted else not (there and isinstance(fields[key], dict)):
                return False
        elif key not in fields or fields[key] != wanted:
            return False
    return True


def settle(fields, how):
    """Takes one difference away; gives what is left."""
    [(way, what)] = how.items()
    match way:
        case "put":
            fields.update(what)
        case "copy":
            fields.update({to: fields[source] for to, source in what.items()})
        case "lift":
            for key, field in fields.pop(what).items():
                fields.setdefault(key, field)
        case "drop":
            for key in what:
                fields.pop(key)
        case "without":
            for key, kind in what.items():
                fields[key] = [entry for entry in fields[key] if entry["type"] != kind]
        case "skip":
            return None
    return fields


class Differs:
    """The rows of the table that this reader needs."""

    def __init__(self, reader):
        table = json.loads((Path(__file__).parent.parent / "differs.json").read_text())
        self.rows = [row for row in table if reader in row["readers"]]
        self.needed = set()

    def settle(self, value):
        for row in self.rows:
            value = self._walk(value, row)
        return value

    def _walk(self, value, row):
        if isinstance(value, dict):
            if fits(row["where"], value):
                self.needed.add(row["what"])
                value = settle(value, row["settle"])
            return value and {key: self._walk(field, row) for key, field in value.items()}
        if isinstance(value, list):
            return [self._walk(entry, row) for entry in value]
        return value

    def idle(self):
        return [row["what"] for row in self.rows if row["what"] not in self.needed]


def main(path):
    said, differs = json.loads(Path(path).read_text()), Differs("python")
    adapters = {name: pydantic.TypeAdapter(kind) for name, kind in TYPES.items()}
    misfits, count = {}, 0
    for kind, value in said:
        value = differs.settle(value)
        if value is None:
            continue
        count += 1
        try:
            adapters[kind].validate_python(value)
        except pydantic.ValidationError as error:
            misfits.setdefault(f"{kind} {value.get('type', '')}: {str(error)[:1500]}", value)
    for misfit in list(misfits)[:5]:
        print(misfit)
    if misfits:
        print(f"FAILED: {len(misfits)} misfits of {count}")
        sys.exit(1)
    print(f"ok: {count} bodies and events are of the SDK's own types")
    if differs.idle():
        print(f"FAILED: documented, but nothing differs: {differs.idle()}")
        sys.exit(1)
    print("ok: each documented difference is there")
    for kind, wrong in [("event", {"type": "response.created"}), ("ErrorResponse", {"error": {"message": "x"}})]:
        try:
            adapters[kind].validate_python(wrong)
            print("FAILED: the types of the SDK can refuse")
            sys.exit(1)
        except pydantic.ValidationError:
            pass
    print("ok: the types of the SDK can refuse")
    print("3 passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
