//! Where the parts of a policy stand in its file.

use crate::scenario::{Node, NodeKind, Span};

/// The places of the parts that reports speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    whole: Span,
    approval_when: Option<Span>,
    rules: Vec<Span>,
}

impl Places {
    /// The places in the tree that a policy was read from.
    #[must_use]
    pub fn of(tree: &Node) -> Self {
        let rules = match field(tree, "rules").map(|node| &node.kind) {
            Some(NodeKind::List(rules)) => rules.iter().map(rule).collect(),
            _ => Vec::new(),
        };
        let boundary = field(tree, "boundary");
        Self {
            whole: field(tree, "policy").map_or(tree.header, Node::mark),
            approval_when: boundary
                .and_then(|node| field(node, "approval_when"))
                .map(Node::mark),
            rules,
        }
    }

    /// The name of the policy.
    #[must_use]
    pub const fn name(&self) -> Span {
        self.whole
    }

    /// When the boundary is approval.
    #[must_use]
    pub fn approval_when(&self) -> Span {
        self.approval_when.unwrap_or(self.whole)
    }

    /// The id of a rule; the name of the policy where there is no such rule.
    #[must_use]
    pub fn rule(&self, index: Option<u16>) -> Span {
        index
            .and_then(|index| self.rules.get(usize::from(index)).copied())
            .unwrap_or(self.whole)
    }
}

fn rule(node: &Node) -> Span {
    field(node, "id").map_or(node.header, Node::mark)
}

fn field<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let NodeKind::Map(entries) = &node.kind else {
        return None;
    };
    let entry = entries.iter().find(|entry| entry.key.text == key)?;
    Some(&entry.value)
}
