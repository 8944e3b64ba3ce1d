//! The examples of the source text, each citing its clause.

use lanebench::policy::Attribute::{
    self, AnswerShortWithinWait, CanRetrieveResult, CanShowRetry, CanShowStatus, ConversationalValuePrimary,
    CustomerComm, MultiStepOrSlow, ProdWrite, PublishUnchecked, PurchaseOrCredit, RecordChange,
    ReviewBeforeDelivery, ToolsNarrowFast, UserSteering, ValueAfterSession,
};
use lanebench::policy::Boundary::{self, Approval};
use lanebench::policy::Class::{self, D1, D2, D4, D5, D6, D7};
use lanebench::policy::Execution::{self, Background, Interactive};

use super::{only, three_lane};

/// What the product can show.
const SHOWN: &[Attribute] = &[CanShowStatus, CanShowRetry, CanRetrieveResult];
/// Work of several steps that keeps its value.
const LASTING: &[Attribute] = &[ValueAfterSession, MultiStepOrSlow];
const REVIEWED: &[Attribute] = &[ValueAfterSession, ReviewBeforeDelivery, CustomerComm];

#[derive(Clone)]
struct Fixture {
    clause: &'static str,
    example: &'static str,
    holds: Vec<Attribute>,
    class: Class,
    execution: Execution,
    boundary: Boundary,
}

fn fixture(
    clause: &'static str,
    example: &'static str,
    holds: &[&[Attribute]],
    (class, execution, boundary): (Class, Execution, Boundary),
) -> Fixture {
    Fixture {
        clause,
        example,
        holds: holds.concat(),
        class,
        execution,
        boundary,
    }
}

/// S4: what belongs in the background, once with a product that can show it and once without.
fn labelled() -> Vec<Fixture> {
    let (ready, gap) = (
        (D1, Background, Boundary::None),
        (D7, Interactive, Boundary::None),
    );
    let examples = [
        ("S4a", "document analysis across large files"),
        ("S4b", "report that chains retrieval, reasoning and formatting"),
        ("S4c", "long web or file research"),
        ("S4d", "code or data job that no user watches"),
    ];
    let mut all = Vec::new();
    for (clause, example) in examples {
        all.push(fixture(clause, example, &[LASTING, SHOWN], ready));
        all.push(fixture(clause, example, &[LASTING], gap));
    }
    let draft = "support flow that drafts first and publishes after review";
    all.push(fixture(
        "S4e",
        draft,
        &[REVIEWED, SHOWN],
        (D1, Background, Approval),
    ));
    all.push(fixture("S4e", draft, &[REVIEWED], (D7, Interactive, Approval)));
    all
}

/// S5: what stays interactive, each indicator alone.
fn staying() -> Vec<Fixture> {
    let stays = (D4, Interactive, Boundary::None);
    vec![
        fixture("S5a", "the user steers the result", &[&[UserSteering]], stays),
        fixture(
            "S5b",
            "a short answer within the normal wait",
            &[&[AnswerShortWithinWait]],
            stays,
        ),
        fixture("S5c", "narrow and fast tools", &[&[ToolsNarrowFast]], stays),
        fixture(
            "S5d",
            "conversation is the value",
            &[&[ConversationalValuePrimary]],
            stays,
        ),
    ]
}

/// S10: each effect, in both executions.
fn effects() -> Vec<Fixture> {
    let effects = [
        ("S10a", "sends customer-facing communication", CustomerComm),
        ("S10b", "changes records", RecordChange),
        ("S10c", "triggers purchases or credits", PurchaseOrCredit),
        ("S10d", "writes into production systems", ProdWrite),
        ("S10e", "publishes without a sanity check", PublishUnchecked),
    ];
    let both = effects.into_iter().flat_map(|(clause, example, effect)| {
        let steered: &[&[Attribute]] = &[LASTING, SHOWN, &[UserSteering, effect]];
        let alone: &[&[Attribute]] = &[LASTING, SHOWN, &[effect]];
        [
            fixture(clause, example, steered, (D2, Interactive, Approval)),
            fixture(clause, example, alone, (D1, Background, Approval)),
        ]
    });
    both.collect()
}

/// S12 with one gate false, and S6: no reason for either lane.
fn gates() -> Vec<Fixture> {
    let stays = |class| (class, Interactive, Boundary::None);
    vec![
        fixture(
            "S12a",
            "worthless after the session",
            &[&[MultiStepOrSlow], SHOWN],
            stays(D6),
        ),
        fixture(
            "S12b",
            "a single fast step",
            &[&[ValueAfterSession], SHOWN],
            stays(D5),
        ),
        fixture(
            "S12c",
            "a product that cannot show it",
            &[LASTING, &SHOWN[..2]],
            stays(D7),
        ),
        fixture("S6", "asynchronous for elegance only", &[], stays(D5)),
    ]
}

#[test]
fn every_example_of_the_source_text_goes_where_its_clause_says() {
    let policy = three_lane();
    let all = [labelled(), staying(), effects(), gates()].concat();
    assert_eq!(all.len(), 28);
    for fixture in all {
        let decision = policy.decide(&only(&fixture.holds));
        let place = format!("{}: {}", fixture.clause, fixture.example);
        assert_eq!(decision.class, Some(fixture.class), "{place}");
        assert_eq!(decision.execution(), Some(fixture.execution), "{place}");
        assert_eq!(decision.boundary, fixture.boundary, "{place}");
    }
}
