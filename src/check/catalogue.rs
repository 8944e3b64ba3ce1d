//! The catalogue: what must be true of every run, with ids.

use crate::trace::Channel;

/// What an invariant is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// ST.
    Status,
    /// RT.
    Retry,
    /// TO.
    Timeout,
    /// CO.
    Completion,
    /// CA.
    Cancellation,
    /// AP.
    Approval,
    /// VI.
    Visibility,
    /// RO.
    Routing,
    /// DU.
    Durability,
}

impl Group {
    /// Every group, in the order of the catalogue.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::Retry,
        Self::Timeout,
        Self::Completion,
        Self::Cancellation,
        Self::Approval,
        Self::Visibility,
        Self::Routing,
        Self::Durability,
    ];

    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Retry => "retry",
            Self::Timeout => "timeout",
            Self::Completion => "completion",
            Self::Cancellation => "cancellation",
            Self::Approval => "approval",
            Self::Visibility => "visibility",
            Self::Routing => "routing",
            Self::Durability => "durability",
        }
    }
}

/// Whether a trace can show an invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is judged in every run.
    Judged {
        /// Its number among those that are.
        id: Id,
        /// What puts it to the test.
        exercised_by: &'static str,
        /// What it is judged from.
        reads: &'static [Channel],
    },
    /// A trace cannot show it, for this reason.
    NotObservable {
        /// Why.
        reason: &'static str,
    },
}

/// One invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its id, for example `ST-01`.
    pub name: &'static str,
    /// What it is about.
    pub group: Group,
    /// What must be true.
    pub sentence: &'static str,
    /// Whether a trace can show it.
    pub standing: Standing,
}

/// The invariant with this id, whatever the case of its letters.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    CATALOGUE
        .iter()
        .find(|entry| entry.name.eq_ignore_ascii_case(name))
}

impl Id {
    /// Its entry in the catalogue.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        let judged = |entry: &&Entry| matches!(entry.standing, Standing::Judged { id, .. } if id == self);
        CATALOGUE.iter().find(judged).unwrap_or(&CATALOGUE[0])
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

macro_rules! catalogue {
    ($($group:ident { $($id:ident $name:literal [$($channel:ident)*] $sentence:literal, by $by:literal;)* }
       unseen { $($other:literal $text:literal, for $reason:literal;)* })*) => {
        /// The invariants that are judged.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Id { $($(#[doc = $sentence] $id,)*)* }

        impl Id {
            /// All of them, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$($(Self::$id,)*)*];

            /// The id as written, for example `ST-01`.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $($(Self::$id => $name,)*)* }
            }
        }

        /// Every invariant: of each group first those that are judged, then those that a trace cannot show.
        pub const CATALOGUE: &[Entry] = &[$(
            $(Entry {
                name: $name,
                group: Group::$group,
                sentence: $sentence,
                standing: Standing::Judged {
                    id: Id::$id,
                    exercised_by: $by,
                    reads: &[$(Channel::$channel),*],
                },
            },)*
            $(Entry {
                name: $other,
                group: Group::$group,
                sentence: $text,
                standing: Standing::NotObservable { reason: $reason },
            },)*
        )*];
    };
}

catalogue! {
    Status {
        St01 "ST-01" [Job] "An accepted job is in exactly one state at every instant.",
            by "every move of a job";
        St02 "ST-02" [Job] "No move outside the declared table is ever recorded.",
            by "every move of a job";
        St03 "ST-03" [Job Wire Backend Runtime] "Terminal states are absorbing: what arrives later is evidence and changes nothing.",
            by "a signal about a job that has ended";
        St04 "ST-04" [People Job] "Whoever loses a race learns that it lost.",
            by "a decision about a request that is already closed";
        St05 "ST-05" [Job Runtime] "A view names the instant at which the shown state began and the instant of the last contact, each by itself.",
            by "every view that is shown";
        St06 "ST-06" [Backend Runtime Job] "A wire status that nobody knows leads to an operator, never to success and never to endless polling.",
            by "a wire status outside the contract";
        St07 "ST-07" [Backend Job] "A completed response that still asks for an approval or a tool result yields no success.",
            by "a completed turn whose script asks the client for something";
        St08 "ST-08" [Backend Job] "A state implies what it needs: running a response, waiting for approval an open request, applying a grant, parked a cause.",
            by "an entry into such a state";
        St09 "ST-09" [Runtime] "Waiting for a person, parked for an operator and stopped by a user are shown in different words.",
            by "a view of such a state";
        St10 "ST-10" [Job Runtime] "One cause has one code on every surface.",
            by "a view that names a cause";
        St11 "ST-11" [Job Runtime] "A verdict about a lack of life is shown beside the state and never instead of it.",
            by "a view that shows such a verdict";
        St12 "ST-12" [User Router Job Runtime] "Jobs by state always add up to the jobs accepted.",
            by "every report of a lane's load and every submission";
        St13 "ST-13" [Job Runtime] "An operator sees every open job with its age, its attempt and what is due or who must act.",
            by "every tick in which an open job moved";
    } unseen {}
    Retry {
        Rt01 "RT-01" [Wire Job] "The creates on the wire never exceed the attempts and turns that the core started, nor the attempts that may be charged.",
            by "every create that reaches the wire";
        Rt02 "RT-02" [Runtime Wire] "Exactly one layer retries: no exchange reaches the wire twice.",
            by "every request that reaches the wire";
        Rt03 "RT-03" [Runtime Job] "Every failed create is classified by a row of the norm.",
            by "a create that failed, and every classification";
        Rt04 "RT-04" [Runtime Backend Wire] "What failed for good is attempted once.",
            by "a permanent failure";
        Rt05 "RT-05" [Wire] "A create that was told to wait is not repeated before that time.",
            by "a 429 with a wait";
        Rt06 "RT-06" [Job] "Delays follow the declared law: full jitter under the cap, or the wait as told with jitter on top.",
            by "every planned retry";
        Rt07 "RT-07" [Job] "Retries planned in one tick do not come back together.",
            by "four or more retries planned in one tick";
        Rt08 "RT-08" [Job] "Retries stop at the retry budget of the lane.",
            by "every retry that is paid for";
        Rt09 "RT-09" [Job] "No retry is planned that could not start before the deadline.",
            by "every planned retry";
        Rt10 "RT-10" [Job] "The record says why there was no further attempt.",
            by "a job that failed, timed out after its start, or was parked";
        Rt11 "RT-11" [Sinks] "A retry after the effect landed does not repeat the effect.",
            by "a key that comes to its sink again";
        Rt14 "RT-14" [Runtime Backend Job] "A response whose create reply was lost is adopted, or is known as a possible twin or orphan.",
            by "a response of ours whose create reply never arrived";
        Rt15 "RT-15" [Wire Backend Job] "A new attempt starts only when the response before it has ended, was told to stop, or is a known twin.",
            by "a create of a later attempt behind a response";
    } unseen {
        "RT-12" "Interruptions of the infrastructure do not consume attempts.",
            for "the runtime of a run is never interrupted";
        "RT-13" "While a breaker is open no attempt is sent and admission says so.",
            for "there is no breaker";
    }
    Timeout {
        To01 "TO-01" [Job] "Every job has a finite deadline from its acceptance, as declared.",
            by "every accepted job";
        To02 "TO-02" [Job] "Nothing but an operator moves the deadline later.",
            by "a hand-over, and every deadline that fires";
        To03 "TO-03" [Runtime] "Every call carries a limit no larger than declared and than the time that is left.",
            by "every request that is sent";
        To04 "TO-04" [Job] "Each limit has a name, and a limit of that name is as long as declared.",
            by "every limit that fires";
        To05 "TO-05" [Job] "A limit that fires says what was going on, and a time-out names its limit.",
            by "every limit that fires, and every time-out";
        To06 "TO-06" [Job] "A limit fires when it is due.",
            by "every limit that fires, and every open job at its deadline";
        To07 "TO-07" [Wire Backend Job] "An attempt that timed out is told to stop, and its late result changes nothing.",
            by "a limit that ends a running attempt";
        To08 "TO-08" [Job] "Waiting for approval does not consume the limits of execution, and is limited by itself.",
            by "every approval request, and every attempt limit that fires";
        To09 "TO-09" [Runtime] "The promise shown is never longer than the limit that is enforced.",
            by "every view that is shown";
        To10 "TO-10" [Wire Job] "Polling stops at the deadline.",
            by "a deadline that fires while a response runs";
        To11 "TO-11" [Job Router] "Interactive work that exceeds its wait is handed over or ends with a typed time-out.",
            by "interactive work that is handed over or whose wait ends";
    } unseen {
        "TO-12" "Steps of the clock do not fire, suppress or duplicate timers.",
            for "simulated time has no steps, and the record of a run carries no other clock";
    }
    Completion {
        Co01 "CO-01" [Backend Job Runtime] "Success implies a stored result with its digest, from a response of this job that completed.",
            by "every success";
        Co02 "CO-02" [Backend Job] "A result is captured while the service keeps it, or an operator is told that it is lost.",
            by "a response dropped before its result was stored";
        Co03 "CO-03" [Backend Job] "Output cut short never ends as success.",
            by "a response that ended incomplete";
        Co04 "CO-04" [User Runtime] "A result is delivered, and is recorded as taken at most once.",
            by "every result shown to its user";
        Co06 "CO-06" [Wire Runtime] "A stream continues behind its cursor without gap or repetition.",
            by "a stream that is resumed";
        Co07 "CO-07" [Job] "Repeated or reordered signals of completion yield one completion.",
            by "a second signal about a response that has ended";
        Co08 "CO-08" [Wire Backend Job] "A lost webhook delays completion by no more than one fallback poll.",
            by "a response followed by webhook whose webhook did not come first";
        Co09 "CO-09" [Wire Runtime] "A webhook that is forged, stale or repeated changes nothing.",
            by "such a webhook";
        Co10 "CO-10" [Job] "An empty result is no success unless the kind allows it.",
            by "an empty result";
        Co11 "CO-11" [Job] "Usage and the served tier of a response are on record with its result.",
            by "every stored result of a response";
        Co12 "CO-12" [Job] "Every job ends or is parked.",
            by "every accepted job";
    } unseen {
        "CO-05" "Partial output that was seen is a prefix of the result or is superseded.",
            for "the record carries no content";
    }
    Cancellation {
        Ca01 "CA-01" [User Job] "A cancel is on record before anything is done about it.",
            by "every request to cancel a job";
        Ca02 "CA-02" [Job] "Cancelling twice changes nothing the second time.",
            by "a second cancel";
        Ca03 "CA-03" [Job] "Cancelling what has ended is answered with the state it ended in.",
            by "a cancel of a job that has ended";
        Ca04 "CA-04" [Wire Sinks Job] "After a cancel has taken hold no attempt, tool or effect starts.",
            by "a job that was cancelled after its start";
        Ca05 "CA-05" [Job] "If completion wins, the job says so and says that the cancel came too late.",
            by "a success after a cancel";
        Ca06 "CA-06" [Backend Job Runtime] "If the cancel wins, a later completion is never shown as success.",
            by "a response that completed for a cancelled job";
        Ca07 "CA-07" [Runtime Job] "A cancel waits for the response id and is applied as soon as it is known.",
            by "an id that becomes known while a cancel waits";
        Ca08 "CA-08" [Job Sinks] "A cancel retires pending approvals, and nothing is granted or spent after it.",
            by "a cancel while a person is awaited";
        Ca09 "CA-09" [Job] "A cancel during an effect is refused, and never claims to have undone it.",
            by "a cancel during an effect";
        Ca10 "CA-10" [Wire Backend Job] "The service is told to stop the work of a cancelled job.",
            by "a cancel of a job with an open background response";
        Ca11 "CA-11" [Job] "Waiting for the acknowledgement of a cancel is bounded.",
            by "every cancel that waits";
        Ca13 "CA-13" [User People Backend Job] "A cancellation by the service that nobody asked for is never reported as a cancel by a user.",
            by "every cancelled job, and every cancellation by the service alone";
    } unseen {
        "CA-12" "Cancelling a parent reaches every child.",
            for "jobs have no children";
    }
    Approval {
        Ap01 "AP-01" [Sinks Backend Job People] "No effect without a consumed grant for exactly what was executed, behind enough eligible approvals of exactly that.",
            by "every effect";
        Ap02 "AP-02" [Sinks] "A grant releases at most one effect.",
            by "every effect at a sink";
        Ap03 "AP-03" [Job] "A request that was replaced because its act changed releases nothing.",
            by "a grant behind a replaced request";
        Ap04 "AP-04" [Job People] "Approvers are shown the canonical act that will run, and their decision names what they were shown.",
            by "every request that an approver sees, and every decision";
        Ap05 "AP-05" [Job People] "An edited act is a new request with a decision of its own.",
            by "an edit that takes hold";
        Ap06 "AP-06" [Job] "Acts approved together are exactly the acts that are released.",
            by "every approval that is given";
        Ap07 "AP-07" [Job People] "Silence and expiry never count as approval.",
            by "a request that expired, and every approval that is given";
        Ap08 "AP-08" [Job Sinks] "The expiry of a request and that of a grant are separate, and both are enforced.",
            by "every grant and every effect";
        Ap09 "AP-09" [Job] "Expiry, denial, withdrawal and replacement each move the job on.",
            by "a request that is closed so";
        Ap11 "AP-11" [Job] "Of all that can happen to a request one thing wins.",
            by "every request that is closed";
        Ap12 "AP-12" [People Job] "Only who has the required role decides.",
            by "a decision by somebody without the role";
        Ap13 "AP-13" [People Job] "With separation of duties neither the requester nor who acts for the requester counts.",
            by "a decision by the requester or a proxy";
        Ap14 "AP-14" [People Job] "A quorum needs distinct people, and one denial denies.",
            by "a request for several approvals, a second decision of one person, and every denial";
        Ap15 "AP-15" [Job People] "A tightened policy or a changed target forces a new question; the old answer does not count.",
            by "a re-evaluation";
        Ap16 "AP-16" [Sinks Job] "A changed target refuses the effect and asks again.",
            by "an effect refused for its precondition";
        Ap17 "AP-17" [Sinks Job] "What was approved and never applied does not read as success.",
            by "a grant whose effect did not land";
        Ap18 "AP-18" [Job] "A denial reaches the job and the same act is not asked for again.",
            by "a denial that is taken";
        Ap19 "AP-19" [People Job] "Seeing a request decides nothing.",
            by "a request that was seen and not decided";
        Ap21 "AP-21" [Sinks] "No tool that has an effect runs beside the gate, and nothing is sent to a sink without leave.",
            by "every tool run and effect of a kind with effects";
        Ap22 "AP-22" [Sinks Job] "An act that nobody declared is gated.",
            by "a turn that calls what nobody declared";
        Ap23 "AP-23" [Runtime Wire Job] "Waiting for a person keeps no exchange and no stream open.",
            by "every wait for a person";
        Ap24 "AP-24" [Job] "There are no blanket approvals: a grant is for one act of one job, and is used once.",
            by "every grant";
        Ap25 "AP-25" [Router] "The boundary is the same in both executions of the same effects.",
            by "the same effects in both executions";
        Ap26 "AP-26" [Sinks Backend Job] "Nothing lands outside before the boundary is passed.",
            by "a job that asked for an approval";
    } unseen {
        "AP-10" "Pending approvals survive restarts.",
            for "the runtime of a run is never restarted";
        "AP-20" "State supplied by a client cannot make, change or upgrade an approval.",
            for "clients supply no state";
    }
    Visibility {
        Vi01 "VI-01" [User Runtime] "A caller has a job id within a second of an accepted submission.",
            by "every accepted submission";
        Vi02 "VI-02" [Job Runtime] "The state that is shown is the state of the same tick.",
            by "every tick in which a job moved";
        Vi03 "VI-03" [Wire Runtime] "A response that shows progress is never shown as stalled or lost.",
            by "a stalled or lost verdict, and every stream that is read";
        Vi04 "VI-04" [Runtime] "A response that nobody hears of is shown as stalled or lost in time.",
            by "a silence longer than the detection bound";
        Vi05 "VI-05" [Job Runtime User] "All surfaces agree on the end, its cause and the digest of the result.",
            by "every view of an ended job, and every result taken";
        Vi07 "VI-07" [Runtime] "A view of a failure names its cause, who must act and what to do, and leaks no secret.",
            by "every view of a job that failed or is parked";
        Vi08 "VI-08" [Job Runtime] "A retry is visible: which attempt of how many, when the next one is due, and the last cause.",
            by "every view of a job that waits for its next attempt";
        Vi10 "VI-10" [Runtime Job] "A failed poll is shown as an unknown status and never as a failure of the job.",
            by "a failed poll of a running job";
        Vi11 "VI-11" [Job Runtime People] "A parked job reaches an operator, with the verbs that are allowed.",
            by "every job that is parked";
        Vi12 "VI-12" [Wire Job] "No call is kept open past the wait of interactive work.",
            by "interactive work whose wait ends";
        Vi13 "VI-13" [Runtime] "Progress never runs backwards, and no result is shown before the end.",
            by "every view that is shown";
    } unseen {
        "VI-06" "Event sequence numbers per job are gapless.",
            for "records are ordered by their place alone and carry no numbers";
        "VI-09" "A status read never changes state.",
            for "reading a view leaves no record";
    }
    Routing {
        Ro01 "RO-01" [User Router] "A task gets exactly one decision, by one rule of the policy.",
            by "every decision";
        Ro02 "RO-02" [Router] "Background is chosen only if all three gates are open.",
            by "every decision for background";
        Ro03 "RO-03" [Router] "Where a gate is shut the execution is interactive, and the decision names the gate.",
            by "a decision with a shut gate";
        Ro04 "RO-04" [Router] "Any effect brings the approval boundary, in both executions.",
            by "a decision about a task with an effect";
        Ro06 "RO-06" [Router] "What is unknown never widens permission.",
            by "a decision with something unknown that matters";
        Ro07 "RO-07" [Router] "A contested decision carries a written reason.",
            by "a contested decision";
        Ro08 "RO-08" [Router] "A decision reads what is declared about the task and nothing else.",
            by "every decision";
        Ro09 "RO-09" [Router] "The same task under the same policy gets the same decision.",
            by "a task with the same attributes as an earlier one";
        Ro10 "RO-10" [Router] "A decision records policy, rule and the attributes with their sources.",
            by "every decision";
        Ro12 "RO-12" [Router] "The decision that ran is the decision of the policy when it is asked again.",
            by "every decision";
        Ro15 "RO-15" [Job] "No lane starves: a queued job gets its place, or its limit, in time.",
            by "every job that leaves its queue";
        Ro16 "RO-16" [Router Job] "A hand-over keeps the deadline and the cursor, and happens only where background is permitted.",
            by "every hand-over";
        Ro18 "RO-18" [Router Runtime] "Overload changes waiting, never the boundary.",
            by "a decision while jobs wait";
    } unseen {
        "RO-05" "Adding an effect never removes the boundary; losing a capability never moves work to background.",
            for "it is a property of the policy, proved by `lanebench check`";
        "RO-11" "No rule is dead, shadowed or vacuous unless marked.",
            for "it is a property of the policy, proved by `lanebench check`";
        "RO-13" "A release that loosens the boundary fails without a waiver.",
            for "it compares two policies, which `lanebench diff` does";
        "RO-14" "Jobs keep the policy they were admitted under, and the stricter boundary.",
            for "a run has one policy";
        "RO-17" "Every clause has a fixture, and deleting its rule breaks one.",
            for "it is a property of the fixtures";
    }
    Durability {
        Du03 "DU-03" [Runtime Wire] "The intent to send is on record before the request arrives.",
            by "every request that reaches the wire";
        Du09 "DU-09" [Runtime Wire] "What is recorded as sent arrives.",
            by "every request that is sent";
        Du12 "DU-12" [Sinks Job] "Where a sink can neither be asked nor be told twice, nothing is repeated after a lost receipt.",
            by "a receipt lost at such a sink";
        Du14 "DU-14" [] "Replaying the journal reconstructs every job.",
            by "a replay of the journal";
    } unseen {
        "DU-01" "An acknowledged job survives a crash.", for "nothing crashes in a run";
        "DU-02" "At every crash point the recovered run satisfies every invariant.", for "nothing crashes in a run";
        "DU-04" "The same idempotency key returns the same job.", for "submissions carry no key";
        "DU-05" "Idempotency is reserved before work starts.", for "submissions carry no key";
        "DU-06" "Keys outlive the longest retry window.", for "submissions carry no key";
        "DU-07" "A worker with an expired lease cannot write.", for "a run has one worker";
        "DU-08" "Two workers of one name cannot hold each other's jobs.", for "a run has one worker";
        "DU-10" "A restart re-arms every timer at its original time.", for "the runtime of a run is never restarted";
        "DU-11" "An orphan found later is adopted or cancelled, and its cost attributed.",
            for "a run ends before anybody reconciles";
        "DU-13" "The audit chain verifies end to end.", for "a trace has no chain";
        "DU-15" "Old records load or are refused loudly.", for "a run has one version";
        "DU-16" "Retention deletes on schedule and never an open job.", for "a run deletes nothing of ours";
    }
}
