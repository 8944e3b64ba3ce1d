"""The official OpenAI Python SDK, unmodified: its tool loop, paging, approvals, parsed outputs, and its own types."""

import json
import sys

import openai
import pydantic
from openai.types.responses import Response, ResponseStreamEvent

from said import Differs

passed = 0


def check(what, holds):
    global passed
    if not holds:
        print(f"FAILED: {what}")
        sys.exit(1)
    passed += 1
    print(f"ok: {what}")


SERVER = {"type": "mcp", "server_url": "https://mcp.example.test/"}
TOOLS = [
    {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}, "strict": True},
    {"type": "custom", "name": "note"},
    {"type": "web_search"},
    {"type": "file_search", "vector_store_ids": ["vs_1"]},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "image_generation"},
    {"type": "computer_use_preview", "environment": "browser", "display_width": 800, "display_height": 600},
    {"type": "local_shell"},
    {"type": "shell"},
    {"type": "apply_patch"},
    SERVER | {"server_label": "search", "require_approval": "never"},
    SERVER | {"server_label": "tickets", "require_approval": "always"},
]
INCLUDE = ["file_search_call.results", "web_search_call.action.sources", "code_interpreter_call.outputs",
           "message.output_text.logprobs"]


def answer(item):
    """What answers an item that asks the client; none if nothing has to."""
    match item.type:
        case "function_call":
            return {"type": "function_call_output", "call_id": item.call_id, "output": '{"id":1}'}
        case "tool_search_call" if item.execution == "client":
            found = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}},
                     "strict": True}
            return {"type": "tool_search_output", "call_id": item.call_id, "execution": "client", "tools": [found]}
        case "custom_tool_call":
            return {"type": "custom_tool_call_output", "call_id": item.call_id, "output": "noted"}
        case "computer_call":
            checks = [check.model_dump() for check in item.pending_safety_checks]
            screen = {"type": "computer_screenshot", "image_url": "data:image/png;base64,aGk="}
            return {"type": "computer_call_output", "call_id": item.call_id, "output": screen,
                    "acknowledged_safety_checks": checks}
        case "local_shell_call":
            return {"type": "local_shell_call_output", "id": item.call_id, "output": "{}"}
        case "shell_call" if item.environment.type == "local":
            output = {"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}
            return {"type": "shell_call_output", "call_id": item.call_id, "output": [output]}
        case "apply_patch_call":
            return {"type": "apply_patch_call_output", "call_id": item.call_id, "status": "completed"}
    return None


def typed(client, body):
    """Reads a stream as it comes, holds every event against the types of the SDK, and gives the last response."""
    events, differs = pydantic.TypeAdapter(ResponseStreamEvent), Differs("python")
    last, count = None, 0
    with client.responses.with_streaming_response.create(stream=True, **body) as reply:
        for line in reply.iter_lines():
            if not line.startswith("data: "):
                continue
            data = differs.settle(json.loads(line[len("data: "):]))
            if data is None:
                continue
            events.validate_python(data)
            count += 1
            last = data.get("response", last)
    return pydantic.TypeAdapter(Response).validate_python(last), count


def tool_loop(client):
    body = {"model": "gpt-5", "tools": TOOLS, "include": INCLUDE, "background": True, "reasoning": {"summary": "auto"}}
    first, count = typed(client, body | {"input": "Use everything."})
    check("every event of every tool is of the SDK's own types", first.status == "completed" and count > 80)
    probable = next(item.content[0].logprobs for item in first.output if item.type == "message")
    check("the tokens of a message are probable", probable and all(one.logprob <= 0 for one in probable))
    asked = [item.type for item in first.output if answer(item) is not None]
    check("the client is asked by each kind of tool", len(asked) == 10 and len(set(asked)) == 7)
    answers = [answer(item) for item in first.output if answer(item) is not None]
    try:
        client.responses.create(**body, previous_response_id=first.id, input=answers[1:])
        check("a call without its output is refused", False)
    except openai.BadRequestError as error:
        check("a call without its output is refused", "No tool output found" in str(error) and error.param == "input")
    second, _ = typed(client, body | {"previous_response_id": first.id, "input": answers})
    request = next(item for item in second.output if item.type == "mcp_approval_request")
    check("the tools of a server are listed before its approval is asked",
          [item.type for item in second.output] == ["message", "mcp_approval_request"]
          and any(item.type == "mcp_list_tools" and item.server_label == "tickets" for item in first.output))
    for approve in (True, False):
        word = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": approve}
        third, _ = typed(client, body | {"previous_response_id": second.id, "input": [word]})
        calls = [item for item in third.output if item.type == "mcp_call"]
        check(f"an approval of {approve} decides about the call",
              [call.approval_request_id for call in calls] == ([request.id] if approve else []))


def paging(client):
    items = [{"role": "user", "content": f"Line {number}."} for number in range(25)]
    made = client.responses.create(model="gpt-5", input=items)
    listed = list(client.responses.input_items.list(made.id, limit=10))
    check("input items are paged, the newest first",
          [item.content[0].text for item in listed] == [f"Line {number}." for number in reversed(range(25))])
    listed = list(client.responses.input_items.list(made.id, limit=7, order="asc"))
    check("and the oldest first", [item.content[0].text for item in listed] == [f"Line {n}." for n in range(25)])


class Report(pydantic.BaseModel):
    title: str
    lines: list[str]
    pages: int
    final: bool


def parsed(client):
    reply = client.responses.parse(model="gpt-5", input="Report.", text_format=Report)
    check("a structured output is parsed into its type", isinstance(reply.output_parsed, Report))


def retries(client):
    # Each create that fails is repeated by the SDK itself, once.
    for what in ("408", "409", "500", "503", "502 with a page", "a reset"):
        raw = client.responses.with_raw_response.create(model="gpt-5", input="Again.", background=True)
        check(f"{what} is retried by the SDK", raw.retries_taken == 1 and raw.parse().status == "queued")
    for kind in (openai.UnprocessableEntityError, openai.PermissionDeniedError):
        try:
            client.responses.create(model="gpt-5", input="Once.")
            check(f"{kind.__name__} is final", False)
        except kind:
            check(f"{kind.__name__} is final", True)
    check("and the next request is answered", client.responses.create(model="gpt-5", input="On.").status == "completed")


def main(what, base_url, _webhook_port):
    client = openai.OpenAI(base_url=base_url, api_key="sk-lanebench")
    if what == "retries":
        retries(client)
        parsed(client)
    else:
        paging(client)
        tool_loop(client)
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
