//! Function tools.

use lanebench::fault::{Fault, FaultRule, Select, Target};
use lanebench::job::ToOutside;
use lanebench::rng::Law;

use super::world::{World, check, run_tool, secs};

fn world() -> World {
    World::new()
        .tool("lookup", 2, Ok("42"))
        .tool("broken", 1, Err("no such row"))
}

fn tool(name: &str) -> Target {
    Target::Tool(Some(name.into()))
}

#[test]
fn tools_give_their_output_or_their_error() {
    check(
        &world()
            .says(1, run_tool("lookup", "c1", 1))
            .says(1, run_tool("broken", "c2", 1))
            .says(1, run_tool("unheard", "c3", 1)),
        "1s lookup started c1/1
         1s broken started c2/1
         1s unheard started c3/1
         1.000001s unheard ended c3/1: false
         1.000001s -> c3/1 Err(\"there is no tool `unheard`\")
         2s broken ended c2/1: false
         2s -> c2/1 Err(\"no such row\")
         3s lookup ended c1/1: true
         3s -> c1/1 Ok(\"42\")",
    );
}

#[test]
fn a_struck_tool_fails_and_its_next_run_does_not() {
    let fails = Fault::FailTool {
        message: "out of paper".into(),
    };
    check(
        &world()
            .fault(tool("lookup"), 1, fails)
            .says(1, run_tool("lookup", "c1", 1))
            .says(5, run_tool("lookup", "c1", 2)),
        "1s lookup started c1/1
         3s fault 0
         3s lookup ended c1/1: false
         3s -> c1/1 Err(\"out of paper\")
         5s lookup started c1/2
         7s lookup ended c1/2: true
         7s -> c1/2 Ok(\"42\")",
    );
}

#[test]
fn a_hanging_tool_never_answers() {
    check(
        &world()
            .fault(tool("lookup"), 1, Fault::Hang)
            .says(1, run_tool("lookup", "c1", 1)),
        "1s lookup started c1/1
         3s fault 0",
    );
}

#[test]
fn a_slow_tool_answers_later() {
    let slow = Fault::Slow {
        law: Law::Constant(secs(30)),
    };
    check(
        &world()
            .fault(tool("lookup"), 1, slow)
            .says(1, run_tool("lookup", "c1", 1)),
        "1s lookup started c1/1
         1s fault 0
         33s lookup ended c1/1: true
         33s -> c1/1 Ok(\"42\")",
    );
}

#[test]
fn nobody_hears_a_dropped_run() {
    let dropped = ToOutside::DropTool {
        call: "c1".into(),
        run: 1,
    };
    check(
        &world()
            .says(1, run_tool("lookup", "c1", 1))
            .says(2, dropped)
            .says(2, run_tool("lookup", "c1", 2)),
        "1s lookup started c1/1
         2s lookup started c1/2
         3s lookup ended c1/1: true
         4s lookup ended c1/2: true
         4s -> c1/2 Ok(\"42\")",
    );
}

#[test]
fn a_rule_for_some_attempts_never_strikes_a_tool() {
    let attempts = Some((lanebench::units::AttemptNo(1), lanebench::units::AttemptNo(9)));
    let rule = FaultRule {
        target: Target::Tool(None),
        select: Select {
            attempts,
            ..Select::default()
        },
        fault: Fault::Hang,
    };
    check(
        &world().rule(rule).says(1, run_tool("broken", "c1", 1)),
        "1s broken started c1/1
         2s broken ended c1/1: false
         2s -> c1/1 Err(\"no such row\")",
    );
}
