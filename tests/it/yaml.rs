//! Reading YAML with places: exact texts for generic mistakes, and properties over generated input.

use lanebench::report::{Paint, render_all};
use lanebench::scenario::decode::string;
use lanebench::scenario::{Diagnostics, Entry, Node, NodeKind, Scalar, Sources, Style, read};
use proptest::prelude::*;

use crate::support::{check_golden, repo, yaml_files};

#[test]
fn every_bad_file_gives_its_exact_text() {
    for path in yaml_files("tests/bad/yaml") {
        let name = format!("tests/bad/yaml/{}", path.file_name().unwrap().to_string_lossy());
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let _tree = read(&mut sources, &name, &std::fs::read(&path).unwrap(), &mut out);
        assert!(out.has_errors(), "{name} reads without an error");
        let text = render_all(&out, &sources, Paint::Plain);
        assert!(
            text.lines().all(|line| line.len() < 500),
            "{name} gives lines that nobody reads:\n{text}"
        );
        check_golden(&repo(&name).with_extension("err"), &text);
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(
        &mut sources,
        "bom.yaml",
        b"\xEF\xBB\xBFlane: background\n",
        &mut out,
    )
    .unwrap();
    let NodeKind::Map(entries) = &tree.kind else {
        panic!("not a map")
    };
    assert_eq!(entries[0].key.text, "lane");
    assert_eq!(sources.place(entries[0].key.span).to_string(), "bom.yaml:1:1");
}

#[test]
fn a_file_over_the_limit_is_refused_before_it_is_read() {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let bytes = vec![b'a'; lanebench::scenario::FILE_BYTES_MAX + 1];
    assert_eq!(read(&mut sources, "big.yaml", &bytes, &mut out), None);
    let text = render_all(&out, &sources, Paint::Plain);
    assert!(
        text.starts_with("error: `big.yaml` has 1048577 bytes, the limit is 1048576\n"),
        "{text}"
    );
}

/// Every span of the tree and of the complaints can be sliced out of its text, and all of it can be rendered.
fn check_spans(bytes: &[u8]) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "any.yaml", bytes, &mut out);
    assert!(tree.is_some() || out.has_errors(), "neither a tree nor a reason");
    for label in out.iter().flat_map(|diagnostic| &diagnostic.labels) {
        assert!(
            sources
                .get(label.span.source)
                .text()
                .get(label.span.range())
                .is_some(),
            "{label:?}"
        );
    }
    if let Some(tree) = &tree {
        check_node(tree, &sources);
    }
    for paint in [Paint::Plain, Paint::Coloured] {
        assert_eq!(render_all(&out, &sources, paint).is_empty(), out.is_empty());
    }
}

fn check_node(node: &Node, sources: &Sources) {
    for span in [node.span, node.header, node.mark(), node.within(0..1)] {
        assert!(
            sources.get(span.source).text().get(span.range()).is_some(),
            "{node:?}"
        );
    }
    match &node.kind {
        NodeKind::List(items) => items.iter().for_each(|item| check_node(item, sources)),
        NodeKind::Map(entries) => entries.iter().for_each(|entry| check_node(&entry.value, sources)),
        NodeKind::Scalar(_) | NodeKind::Null | NodeKind::Broken => {}
    }
}

/// Pieces of YAML, so that random sequences of them come near to being well-formed.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "a", "b: ", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", ": ", "? ", "'", "\"", "|\n",
        ">-\n", "&x ", "*x", "!t ", "#c\n", "---\n", "...\n", "\t", "\r\n", "é", "日本", "\u{FEFF}", "<<: ",
        "~", "\\x41", "%TAG", "@", "`", "\u{7}", "0x1F", "\u{2028}", "\u{85}", "\0",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

/// A plain tree as both readers see it.
#[derive(Debug, Clone, PartialEq)]
enum Plain {
    Null,
    Text(String),
    List(Vec<Plain>),
    Map(Vec<(String, Plain)>),
}

fn ours(node: &Node) -> Plain {
    match &node.kind {
        NodeKind::Scalar(Scalar {
            text,
            style: Style::Plain | Style::Quoted,
            ..
        }) => Plain::Text(text.clone()),
        NodeKind::List(items) => Plain::List(items.iter().map(ours).collect()),
        NodeKind::Map(entries) => Plain::Map(
            entries
                .iter()
                .map(|Entry { key, value }| (key.text.clone(), ours(value)))
                .collect(),
        ),
        NodeKind::Null => Plain::Null,
        NodeKind::Broken => panic!("broken"),
    }
}

fn theirs(value: &serde_yaml::Value) -> Plain {
    match value {
        serde_yaml::Value::Null => Plain::Null,
        serde_yaml::Value::Bool(truth) => Plain::Text(truth.to_string()),
        serde_yaml::Value::Number(number) => Plain::Text(number.to_string()),
        serde_yaml::Value::String(text) => Plain::Text(text.clone()),
        serde_yaml::Value::Sequence(items) => Plain::List(items.iter().map(theirs).collect()),
        serde_yaml::Value::Mapping(map) => Plain::Map(
            map.iter()
                .map(|(key, value)| (key.as_str().unwrap().to_owned(), theirs(value)))
                .collect(),
        ),
        serde_yaml::Value::Tagged(_) => panic!("tagged"),
    }
}

fn value() -> impl Strategy<Value = serde_yaml::Value> {
    let text = prop_oneof![
        "[a-z_]{1,8}",
        "[ -~]{0,20}",
        "[a-zé日\n ]{0,12}",
        "[-+.0-9eExo_:]{1,6}",
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("~".to_owned()),
        Just("yes".to_owned()),
    ];
    let leaf = prop_oneof![
        4 => text.prop_map(serde_yaml::Value::from),
        1 => any::<i64>().prop_map(serde_yaml::Value::from),
        1 => any::<bool>().prop_map(serde_yaml::Value::from),
        1 => Just(serde_yaml::Value::Null),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let entry = ("[a-zé][a-z0-9_ -]{0,8}[a-z]", inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(serde_yaml::Value::Sequence),
            prop::collection::vec(entry, 0..6).prop_map(|entries| {
                let map = entries
                    .into_iter()
                    .map(|(key, value)| (serde_yaml::Value::from(key), value))
                    .collect();
                serde_yaml::Value::Mapping(map)
            }),
        ]
    })
}

/// Both readers see the same tree, and agree on what is a text.
pub(crate) fn check_same(node: &Node, value: &serde_yaml::Value, name: &str) {
    assert_eq!(ours(node), theirs(value), "{name}");
    check_styles(node, value);
}

/// Whether both readers agree on what is a text and what is a bare number or truth value.
fn check_styles(node: &Node, value: &serde_yaml::Value) {
    match (&node.kind, value) {
        (NodeKind::Scalar(scalar), serde_yaml::Value::Number(_) | serde_yaml::Value::Bool(_)) => {
            assert_eq!(scalar.style, Style::Plain, "{scalar:?}");
        }
        (NodeKind::Scalar(_), serde_yaml::Value::String(text)) if !text.trim().is_empty() => {
            assert_eq!(
                string(node, &mut Diagnostics::new()).as_ref(),
                Some(text),
                "{node:?}"
            );
        }
        (NodeKind::List(items), serde_yaml::Value::Sequence(values)) => {
            items
                .iter()
                .zip(values)
                .for_each(|(item, value)| check_styles(item, value));
        }
        (NodeKind::Map(entries), serde_yaml::Value::Mapping(map)) => {
            entries
                .iter()
                .zip(map)
                .for_each(|(entry, (_, value))| check_styles(&entry.value, value));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_spans(&bytes);
    }

    #[test]
    fn pieces_of_yaml_never_panic(bytes in pieces()) {
        check_spans(&bytes);
    }

    #[test]
    fn written_trees_read_the_same_as_serde_yaml_reads_them(value in value()) {
        let text = serde_yaml::to_string(&value).unwrap();
        let reread: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let tree = read(&mut sources, "written.yaml", text.as_bytes(), &mut out);
        match tree {
            Some(tree) => {
                prop_assert_eq!(ours(&tree), theirs(&reread), "{}", text);
                check_styles(&tree, &reread);
                check_node(&tree, &sources);
                prop_assert!(out.is_empty());
            }
            None => prop_assert_eq!(reread, serde_yaml::Value::Null, "{}{}", text, render_all(&out, &sources, Paint::Plain)),
        }
    }
}
