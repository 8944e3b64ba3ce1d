//! `lanebench serve` as a program: what it prints, how it ends, and that it serves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

fn serve(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanebench"));
    command.arg("serve").args(args).stdin(Stdio::null());
    command
}

/// A server that is ended with the test.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// What it has in memory, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn signal(&mut self, name: &str) -> Option<i32> {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
        self.0.wait().unwrap().code()
    }
}

pub(crate) fn start(args: &[&str]) -> (Running, String) {
    let mut child = serve(args).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .strip_prefix("listening http://")
        .unwrap()
        .strip_suffix("/v1\n")
        .unwrap();
    (Running(child), address.to_owned())
}

pub(crate) fn exchange(address: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-lanebench\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn it_serves_and_ends_in_order_on_both_signals() {
    for name in ["-TERM", "-INT"] {
        let (mut server, address) = start(&["--port", "0", "--time-scale", "100"]);
        assert!(address.starts_with("127.0.0.1:"));
        let created = exchange(
            &address,
            "POST",
            "/v1/responses",
            r#"{"model":"m","input":"i","background":true}"#,
        );
        assert!(
            created.starts_with("HTTP/1.1 200 OK\r\n") && created.contains(r#""status":"queued""#),
            "{created}"
        );
        let streamed = exchange(
            &address,
            "POST",
            "/v1/responses",
            r#"{"model":"m","input":"i","stream":true}"#,
        );
        assert!(streamed.contains("event: response.completed\n"), "{streamed}");
        // An idle connection does not keep the server.
        let _idle = TcpStream::connect(&address).unwrap();
        assert_eq!(server.signal(name), Some(0));
    }
}

#[test]
fn a_port_in_use_is_the_machines_fault() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let ended = serve(&["--port", &port.to_string()]).output().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), "");
    assert_eq!(
        String::from_utf8(ended.stderr).unwrap(),
        format!(
            "error: cannot listen on 127.0.0.1:{port}: the port is in use\n  \
             = help: choose another port with `--port`; 0 takes a free one\n"
        )
    );
}

#[test]
fn wrong_arguments_are_wrong_input() {
    for (args, text) in [
        (&["--port", "70000"][..], "70000"),
        (&["--time-scale", "0"], "`0` is no time scale"),
        (
            &["--webhook-url", "https://x/y"],
            "`https://x/y` is no address for webhooks",
        ),
        (&["--webhook-url", "http://"], "is no address for webhooks"),
        (&["--webhook-secret", "whsec_%"], "a signing secret is"),
        (&["--api-key", " "], "the API key is empty"),
        (&["--frobnicate"], "--frobnicate"),
        (&["--profile", "flakey"], "did you mean `flaky`?"),
        (&["--profile", "flaky", "--scenario", "x"], "--scenario"),
        (&["--clock", "manual", "--time-scale", "2"], "--time-scale"),
        (&["--sessions", "0"], "--sessions"),
    ] {
        let ended = serve(args).output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(
            stderr.starts_with("error: ") && stderr.contains(text),
            "{args:?}: {stderr}"
        );
    }
}

#[test]
fn a_closed_stdout_is_told_and_survived() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = serve(&["--port", "0"]);
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(
        line.starts_with("warning: cannot say on stdout that http://127.0.0.1:"),
        "{line}"
    );
    assert_eq!(Running(child).signal("-TERM"), Some(0));
}

#[test]
fn help_names_the_exit_codes() {
    let ended = Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .arg("--help")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let text = String::from_utf8(ended.stdout).unwrap();
    assert!(
        text.contains("serve") && text.contains("4  the evidence does not decide"),
        "{text}"
    );
    let ended = Command::new(env!("CARGO_BIN_EXE_lanebench")).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
}

fn story(server: &mut Child) -> (Option<i32>, String) {
    let id = server.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let mut text = String::new();
    server.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (server.wait().unwrap().code(), text)
}

fn judged() -> (Child, String) {
    let mut child = serve(&["--port", "0", "--verdict"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Read byte by byte, so that nothing of the verdict is lost in a buffer.
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    let line = String::from_utf8(line).unwrap();
    let address = line.trim_end().strip_prefix("listening http://").unwrap();
    (child, address.strip_suffix("/v1").unwrap().to_owned())
}

#[test]
fn a_clients_verdict_is_the_exit_code() {
    let (mut server, _) = judged();
    let (code, text) = story(&mut server);
    assert_eq!(code, Some(4), "{text}");
    assert!(
        text.ends_with("\nundecided: nothing put the client to the test\n"),
        "{text}"
    );

    let (mut server, address) = judged();
    exchange(&address, "POST", "/v1/responses", r#"{"model":"m"}"#);
    let (code, text) = story(&mut server);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("  held           CL-04"), "{text}");

    let (mut server, address) = judged();
    for _ in 0..2 {
        exchange(&address, "POST", "/v1/responses", r#"{"model":"m"}"#);
    }
    let (code, text) = story(&mut server);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("  fail           CL-04  what is refused for good is not asked again\n"),
        "{text}"
    );
    assert!(
        text.contains("refused for good with 400, it asked again (requests 1, 2)\n"),
        "{text}"
    );
}

#[test]
fn the_curl_of_the_readme_does_what_it_says() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: there is no curl here");
        return;
    }
    let readme = std::fs::read_to_string(crate::support::repo("README.md")).unwrap();
    let (_, rest) = readme.split_once("With curl:\n\n```sh\n").unwrap();
    let (script, _) = rest.split_once("```").unwrap();
    let (_server, address) = start(&["--port", "0", "--time-scale", "100"]);
    let script = script.replace("127.0.0.1:8080", &address);
    let ended = Command::new("sh").args(["-euc", &script]).output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{said}");
    for expected in [
        "\"error\"",
        "\"plays\":\"always busy\"",
        "rate_limit_exceeded",
        "\"met\":true",
        "\"verdict\":",
        "lanebench_requests_total{route=\"/v1/responses\",status=\"429\"} 1",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
}

#[test]
fn a_profile_is_printed_edited_and_played() {
    let printed = serve(&["--print-profile", "outage"]).output().unwrap();
    assert_eq!(printed.status.code(), Some(0));
    let text = String::from_utf8(printed.stdout).unwrap();
    let shipped = std::fs::read_to_string(crate::support::repo("scenarios/profiles/outage.yaml")).unwrap();
    assert_eq!(text, shipped);
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("serve-edited.yaml");
    std::fs::write(&file, text.replace("within: 20s-40s", "within: 0s-40s")).unwrap();
    let (_server, address) = start(&[
        "--port",
        "0",
        "--clock",
        "manual",
        "--scenario",
        file.to_str().unwrap(),
    ]);
    let came = exchange(&address, "POST", "/v1/responses", r#"{"model":"m","input":"i"}"#);
    assert!(came.starts_with("HTTP/1.1 503 "), "{came}");

    let help = String::from_utf8(serve(&["--help"]).output().unwrap().stdout).unwrap();
    for one in lanebench::scenario::Builtin::ALL {
        assert!(
            help.contains(&format!("  {:<13} {}\n", one.name, one.does)),
            "{help}"
        );
    }
}

#[test]
fn a_broken_service_file_is_shown_with_its_places() {
    let file = crate::support::repo("tests/bad/service/misspelt.yaml");
    let ended = serve(&["--port", "0", "--scenario", file.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(
        said.contains("misspelt.yaml:2:12") && said.contains("did you mean `latency`?"),
        "{said}"
    );
}

#[test]
fn a_line_is_logged_for_each_request_to_a_file_or_to_stdout() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("serve-log.jsonl");
    let (mut server, address) = start(&["--port", "0", "--log", file.to_str().unwrap()]);
    exchange(&address, "POST", "/v1/responses", r#"{"model":"m"}"#);
    exchange(&address, "GET", "/v1/nothing", "");
    assert_eq!(server.signal("-TERM"), Some(0));
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (line["seq"].as_u64(), line["status"].as_u64()))
        .collect();
    assert_eq!(seen, [(Some(1), Some(400)), (Some(2), Some(404))]);

    let mut child = serve(&["--port", "0", "--log", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line
        .trim_end()
        .strip_prefix("listening http://")
        .unwrap()
        .strip_suffix("/v1")
        .unwrap();
    exchange(address, "GET", "/v1/nothing", "");
    let mut logged = String::new();
    out.read_line(&mut logged).unwrap();
    assert!(logged.starts_with(r#"{"session":"default","seq":1,"#), "{logged}");
    assert_eq!(Running(child).signal("-INT"), Some(0));

    let nowhere = serve(&["--port", "0", "--log", "/nowhere/at/all"])
        .output()
        .unwrap();
    let said = String::from_utf8(nowhere.stderr).unwrap();
    assert_eq!(nowhere.status.code(), Some(3), "{said}");
    assert!(
        said.starts_with("error: cannot write the log `/nowhere/at/all`: "),
        "{said}"
    );
}

#[test]
fn an_address_that_others_reach_has_to_be_meant() {
    let refused = serve(&["--port", "0", "--host", "0.0.0.0"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(
        said,
        "error: other machines can reach 0.0.0.0, and whoever does controls the server\n  \
         = help: leave `--host` out, or say `--public` if that is meant\n"
    );
}

#[test]
fn the_clients_of_each_session_are_judged() {
    let (mut server, address) = judged();
    exchange(&address, "GET", "/_lanebench/requests?session=other", "");
    exchange(&address, "POST", "/v1/responses", r#"{"model":"m"}"#);
    let (code, text) = story(&mut server);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("session default: client verdict over 1 requests\n"),
        "{text}"
    );
    assert!(
        text.contains("session other: client verdict over 0 requests\n"),
        "{text}"
    );
}
