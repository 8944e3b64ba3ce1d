//! Traces in their published formats: what is read, and what is said about what cannot be.

use lanebench::report::{Paint, render_all};
use lanebench::rng::Seed;
use lanebench::scenario::{Diagnostics, Sources};
use lanebench::sim::stats::{Moments, quantile};
use lanebench::sim::workload::Client;
use lanebench::sim::workload::trace::{At, Columns, Format, Row, rows};
use lanebench::units::{SimDuration, SimTime};
use proptest::prelude::*;

/// The rows, or what was said.
fn read(format: &Format, text: &[u8]) -> Result<Vec<Row>, String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let rows = rows(("trace.csv", text), format, usize::MAX, &mut sources, &mut out);
    assert_eq!(rows.is_none(), out.errors() > 0, "either rows or mistakes");
    rows.ok_or_else(|| render_all(&out, &sources, Paint::Plain))
}

/// One line a row: when in seconds, tokens, and what else is known.
#[track_caller]
fn check(format: &Format, text: &str, expected: &str) {
    let rows = read(format, text.as_bytes()).unwrap_or_else(|said| panic!("{said}"));
    let shown = rows.iter().map(|row| {
        let seconds = row.at.since(SimTime::START).as_secs_f64();
        let mut line = format!("{seconds} {} {}", row.input, row.output);
        if let Some(images) = row.images {
            line += &format!(" images {images}");
        }
        if let Some(took) = row.took {
            line += &format!(" took {}", took.as_secs_f64());
        }
        if row.session.is_some() {
            line += " in a session";
        }
        if row.failed {
            line += " failed";
        }
        line
    });
    let expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[track_caller]
fn wrong(format: &Format, text: &[u8], said: &[&str]) {
    let text = read(format, text).unwrap_err();
    for part in said {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

fn of(word: &str) -> Format {
    Format::from_word(word).unwrap()
}

fn own() -> Format {
    Format::Csv(Columns {
        at: At::Millis("when".to_owned()),
        input: "in".to_owned(),
        output: "out".to_owned(),
        session: Some("who".to_owned()),
        images: None,
        took: None,
    })
}

#[test]
fn every_published_format_is_read() {
    assert!(Format::WORDS.iter().all(|word| Format::from_word(word).is_some()));
    let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
                 2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8";
    check(&of("azure-2023"), azure, "0 4808 10\n0.052 3180 8");
    // A week of 2024, with its offsets and a row of another machine that is a little late.
    let week = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
                2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:01.5+00:00,7,0\n2024-05-10 00:00:00.509930+00:00,1,1\n";
    check(&of("azure-2024"), week, "0 2162 5\n0.5 1 1\n1.49007 7 0");
    let images = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-01 12:00:00,2,900,40\n";
    check(&of("azure-multimodal"), images, "0 900 40 images 2");
    let old = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
               5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,1087,0,1087,API log\n";
    check(&of("burstgpt"), old, "0 472 18\n40 1087 0 failed");
    let new = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
               0.5,17,2.25,GPT-4,10,20,30,Conversation log\n1.5,,,GPT-4,10.0,20.0,30,API log\n";
    check(&of("burstgpt"), new, "0 10 20 took 2.25 in a session\n1 10 20");
    let mooncake = "{\"timestamp\": 27000, \"input_length\": 6955, \"output_length\": 52, \"hash_ids\": [46, 47]}\n\n\
                    {\"timestamp\": 30000, \"input_length\": 1, \"output_length\": 2, \"hash_ids\": []}";
    check(&of("mooncake"), mooncake, "0 6955 52\n3 1 2");
    check(
        &own(),
        "\u{feff}out,when,who,in,more\n2,1500,ann,1,x\n4,2500,,3,\"a, b\"\n",
        "0 1 2 in a session\n1 3 4",
    );
}

#[test]
fn every_mistake_has_its_place() {
    let azure = of("azure-2023");
    let text = b"TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03,many,10\r\n2023-13-16 18:17:03,1,-1\r\n2023-11-16 18:17:03,1\r\n";
    wrong(
        &azure,
        text,
        &[
            "expected a whole number up to 10000000, found `many`",
            "trace.csv:2:21",
            "expected a timestamp such as `2023-11-16 18:17:03.979`, found `2023-13-16 18:17:03`",
            "trace.csv:3:1",
            "found `-1`",
            "trace.csv:3:23",
            "a row of 2 fields where the line of names has 3",
            "trace.csv:4:1",
        ],
    );
    wrong(
        &azure,
        b"TIMESTAMP,Context,GeneratedTokens\n",
        &["the trace has no column `ContextTokens`", "trace.csv:1:1"],
    );
    wrong(
        &azure,
        b"TIMESTAMP,ContextTokens,GeneratedTokens\n",
        &["there is no row in the trace"],
    );
    wrong(&azure, b"", &["there is no row in the trace"]);
    let far = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-01-01 00:00:00,1,1\n2024-01-01 00:00:00,1,1\n";
    wrong(
        &azure,
        far.as_bytes(),
        &["lies beyond the 180 days", "trace.csv:3:1"],
    );
    let lines = b"{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 2}\n{\"timestamp\": 0, \"input_length\": \"x\"}\n\n{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 2}\n[1";
    wrong(
        &of("mooncake"),
        lines,
        &[
            "expected a whole number",
            "trace.csv:2:",
            "`-1` is no number of milliseconds",
            "trace.csv:4:1",
            "trace.csv:5:",
        ],
    );
    let many: String = (0..100).map(|_| "x,y,z\n").collect();
    let said = read(&own(), format!("when,in,who,out\n{many}").as_bytes()).unwrap_err();
    assert_eq!(said.matches("error: ").count(), 20, "{said}");
}

fn client(trace: &str, sizes: &str) -> Result<Client, String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let client = Client::read(
        ("chunk-0-trace.csv", trace.as_bytes()),
        ("chunk-0-dataset.json", sizes.as_bytes()),
        &mut sources,
        &mut out,
    );
    client.ok_or_else(|| render_all(&out, &sources, Paint::Plain))
}

#[test]
fn a_file_of_sizes_that_ends_in_a_broken_character_is_a_mistake_with_its_place() {
    let said = client("0,1,1,Gamma,1,1\n", "\"\u{FFFD}")
        .err()
        .unwrap_or_default();
    assert!(said.contains("chunk-0-dataset.json:1:2"), "{said}");
}

const SIZES: &str = r#"{"0": {"input_tokens": "{100: 0.25, 300: 0.75}", "output_tokens": "{7: 1.0}", "reason_ratio": "{0.5: 1.0}"},
 "1200": {"input_tokens": "{}", "output_tokens": "{}"}}"#;

#[test]
fn clients_of_servegen_have_their_rates_and_laws() {
    let trace = "0,2.0,2.0,Gamma,0.25,2.0\n600,0,0,,0,0\n1200,4.0,0.5,Weibull,2.1,0.28\n";
    let client = client(trace, SIZES).unwrap();
    assert!((client.rate() - 2.0).abs() < 1e-12);
    let (mut gaps, mut counts, mut inputs) = (Moments::default(), [0.0; 3], Moments::default());
    let until = SimTime::START + SimDuration::from_secs(1_800);
    for number in 0..200 {
        let drawn = client.requests(Seed(5), number, until);
        assert!(drawn.is_sorted_by_key(|request| request.at));
        for pair in drawn.windows(2).filter(|pair| pair[1].at.ticks() < 600_000_000) {
            gaps.push(pair[1].at.since(pair[0].at).as_secs_f64());
        }
        for request in &drawn {
            counts[(request.at.ticks() / 600_000_000) as usize] += 1.0;
            inputs.push(f64::from(request.input));
            assert_eq!(request.output, 7);
        }
    }
    // 200 clients of 600 seconds: 240,000 requests of the first window, nobody in the second, 480,000 in the third.
    assert!((counts[0] / 240_000.0 - 1.0_f64).abs() < 0.01, "{counts:?}");
    assert!(
        counts[1] == 0.0 && (counts[2] / 480_000.0 - 1.0_f64).abs() < 0.01,
        "{counts:?}"
    );
    let cv2 = gaps.variance().unwrap() / gaps.mean().unwrap().powi(2);
    assert!((cv2 / 4.0 - 1.0).abs() < 0.05, "{cv2}");
    assert!((inputs.mean().unwrap() - 250.0).abs() < 1.0);
    assert_eq!(
        client.requests(Seed(5), 1, until),
        client.requests(Seed(5), 1, until)
    );
}

#[test]
fn what_servegen_has_wrong_is_said() {
    let trace = "0,1,1,Gamma,1,1\n0,1,1,Gamma,1,1\n1200,fast,1,Weibull,1,1\n1800,1,1,Pareto,1,1\n2400,1\n";
    let sizes = SIZES.replace("0.75", "0.7").replace("{7: 1.0}", "{7: one}");
    let said = client(trace, &sizes).unwrap_err();
    for part in [
        "the window begins before the one above it",
        "chunk-0-trace.csv:2:1",
        "expected a number, found `fast`",
        "chunk-0-trace.csv:3:6",
        "unknown law `Pareto`",
        "chunk-0-trace.csv:4:10",
        "a row of 2 fields",
        "`input_tokens` of window 0: the probabilities sum up to 0.9500",
        "chunk-0-dataset.json:1:",
        "`7: one` is no pair of a value and a probability",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(
        client("0,1,1,Gamma,1,1\n", "{\"0\": 3}")
            .unwrap_err()
            .contains("chunk-0-dataset.json:1:7")
    );
    assert!(client("", SIZES).unwrap_err().contains("the file is empty"));
}

/// What the description of the supplied traces says of them.
#[test]
fn the_supplied_traces_have_their_published_shape() {
    for (name, count, minutes, cv2, quantiles) in [
        (
            "code",
            8_819,
            57.3,
            173.0,
            [
                (true, 0.5, 1_469.0),
                (true, 0.99, 7_436.0),
                (false, 0.5, 13.0),
                (false, 0.99, 249.0),
            ],
        ),
        (
            "conv",
            19_366,
            58.4,
            1.2,
            [
                (true, 0.5, 1_020.0),
                (true, 1.0, 14_050.0),
                (false, 0.5, 129.0),
                (false, 0.99, 601.0),
            ],
        ),
    ] {
        let path = format!(
            "{}/../../shared/data/AzureLLMInferenceTrace_{name}.csv",
            env!("CARGO_MANIFEST_DIR")
        );
        let other = format!(
            "{}/../shared/data/AzureLLMInferenceTrace_{name}.csv",
            env!("CARGO_MANIFEST_DIR")
        );
        let Ok(bytes) = std::fs::read(&path).or_else(|_| std::fs::read(&other)) else {
            println!("skipped: the supplied trace {name} is not here");
            continue;
        };
        let rows = read(&of("azure-2023"), &bytes).unwrap();
        assert_eq!(rows.len(), count);
        let length = rows.last().unwrap().at.since(SimTime::START).as_secs_f64() / 60.0;
        assert!((length - minutes).abs() < 0.06, "{name}: {length}");
        let gaps: Vec<f64> = rows
            .windows(2)
            .map(|pair| pair[1].at.since(pair[0].at).as_secs_f64())
            .collect();
        let gaps = Moments::of(&gaps);
        let found = gaps.variance().unwrap() / gaps.mean().unwrap().powi(2);
        assert!((found / cv2 - 1.0).abs() < 0.05, "{name}: {found}");
        for (input, q, expected) in quantiles {
            let mut tokens: Vec<f64> = rows
                .iter()
                .map(|row| f64::from(if input { row.input } else { row.output }))
                .collect();
            tokens.sort_by(f64::total_cmp);
            let found = quantile(&tokens, q).unwrap();
            assert!(
                (found / expected - 1.0).abs() < 0.015,
                "{name} {input} {q}: {found}"
            );
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_fall(bytes in proptest::collection::vec(any::<u8>(), 0..400), which in 0_usize..5, head in any::<bool>()) {
        let format = match which { 4 => own(), which => of(Format::WORDS[which]) };
        let names: &[u8] = match (head, which) {
            (false, _) => b"",
            (true, 4) => b"when,in,who,out\n1,",
            (true, 3) => b"Timestamp,Request tokens,Response tokens\n1,",
            (true, 2) => b"TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,",
            (true, _) => b"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,1,",
        };
        let text = [names, &bytes].concat();
        let _ = read(&format, &text);
        let _ = read(&of("mooncake"), &bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = client(&text, SIZES);
        let _ = client("0,1,1,Gamma,1,1\n", &text);
    }
}
