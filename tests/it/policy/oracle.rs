//! The decision table of the source text, read row by row. It shares nothing with the library: plain truth values,
//! plain words.

/// One row of the table's space: the fifteen attributes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) user_steering: bool,
    pub(super) answer_short_within_wait: bool,
    pub(super) tools_narrow_fast: bool,
    pub(super) conversational_value_primary: bool,
    pub(super) value_after_session: bool,
    pub(super) multi_step_or_slow: bool,
    pub(super) can_show_status: bool,
    pub(super) can_show_retry: bool,
    pub(super) can_retrieve_result: bool,
    pub(super) review_before_delivery: bool,
    pub(super) effects: [bool; 5],
}

/// What the table says about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) rule: &'static str,
    pub(super) preferred: &'static str,
    pub(super) permitted: &'static [&'static str],
    pub(super) may_refuse: bool,
    pub(super) boundary: &'static str,
}

const LIVE: &[&str] = &["interactive"];
const BACKGROUND: &[&str] = &["background"];
const BOTH: &[&str] = &["interactive", "background"];

impl Row {
    pub(super) const COUNT: u32 = 1 << 15;

    /// The row whose attributes are the bits of `number`.
    pub(super) fn numbered(number: u32) -> Self {
        let bit = |index: u32| number >> index & 1 == 1;
        Self {
            user_steering: bit(0),
            answer_short_within_wait: bit(1),
            tools_narrow_fast: bit(2),
            conversational_value_primary: bit(3),
            value_after_session: bit(4),
            multi_step_or_slow: bit(5),
            can_show_status: bit(6),
            can_show_retry: bit(7),
            can_retrieve_result: bit(8),
            review_before_delivery: bit(9),
            effects: [bit(10), bit(11), bit(12), bit(13), bit(14)],
        }
    }

    /// The attributes by name, in the order of the bits of [`numbered`](Self::numbered).
    pub(super) fn named(&self) -> [(&'static str, bool); 15] {
        [
            ("user_steering", self.user_steering),
            ("answer_short_within_wait", self.answer_short_within_wait),
            ("tools_narrow_fast", self.tools_narrow_fast),
            ("conversational_value_primary", self.conversational_value_primary),
            ("value_after_session", self.value_after_session),
            ("multi_step_or_slow", self.multi_step_or_slow),
            ("can_show_status", self.can_show_status),
            ("can_show_retry", self.can_show_retry),
            ("can_retrieve_result", self.can_retrieve_result),
            ("review_before_delivery", self.review_before_delivery),
            ("customer_comm", self.effects[0]),
            ("record_change", self.effects[1]),
            ("purchase_or_credit", self.effects[2]),
            ("prod_write", self.effects[3]),
            ("publish_unchecked", self.effects[4]),
        ]
    }

    /// The one line of the table that hits.
    pub(super) fn answer(&self) -> Answer {
        // A1 and A2, decided first.
        let any_effect = self.effects.contains(&true);
        let boundary = if any_effect { "approval" } else { "none" };
        let effects_fenced = !any_effect || boundary == "approval";

        let g1 = self.value_after_session && effects_fenced;
        let g2 = self.multi_step_or_slow || self.review_before_delivery;
        let g3 = self.can_show_status && self.can_show_retry && self.can_retrieve_result;
        let g = g1 && g2 && g3;
        let pull = self.user_steering || self.conversational_value_primary;
        let short_or_fast = self.answer_short_within_wait || self.tools_narrow_fast;
        let keep = pull || self.answer_short_within_wait || self.tools_narrow_fast;

        let lines = [
            ("D1", g && !keep, "background", BACKGROUND, false),
            ("D2", g && pull, "interactive", BOTH, false),
            ("D3", g && !pull && short_or_fast, "background", BOTH, false),
            ("D4", !g && keep, "interactive", LIVE, false),
            ("D5", !g && !keep && !g2, "interactive", LIVE, false),
            ("D6", !keep && g2 && !g1, "interactive", LIVE, true),
            ("D7", !keep && g1 && g2 && !g3, "interactive", LIVE, true),
        ];
        let mut hits = lines.into_iter().filter(|line| line.1);
        let (rule, _, preferred, permitted, may_refuse) = hits.next().expect("the table is total");
        assert!(
            hits.next().is_none(),
            "the lines of the table exclude each other: {self:?}"
        );
        Answer {
            rule,
            preferred,
            permitted,
            may_refuse,
            boundary,
        }
    }
}
