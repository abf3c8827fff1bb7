//! README shows only what is so: its commands are run, and exit as it says.
//!
//! Commands stand in blocks that begin with "```console", on lines that begin with `$ `. One that
//! ends in `# exit 1` exits with 1, every other with 0. Those of cargo but `cargo run` are left to
//! cargo, and those of the system to the system.

#![cfg(unix)]

mod program;

use std::fs;
use std::path::Path;

use program::polygraph;

/// A command of the program.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    arguments: Vec<String>,
    code: i32,
}

/// What `cargo run` is written as.
const THROUGH_CARGO: &str = "cargo run --release -- ";

/// The commands of a text, in order.
fn commands(text: &str) -> Vec<Shown> {
    let mut shown = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside && line.trim_end() == "```console";
            continue;
        }
        let Some(command) = line.strip_prefix("$ ").filter(|_| inside) else {
            continue;
        };
        let (command, comment) = command.split_once(" #").unwrap_or((command, ""));
        let ours = command.strip_prefix("polygraph ");
        let Some(rest) = ours.or_else(|| command.strip_prefix(THROUGH_CARGO)) else {
            continue;
        };
        let plain = |c: char| c.is_alphanumeric() || " -_=.,/".contains(c);
        assert!(
            rest.chars().all(plain),
            "only plain words can be run: {line}"
        );
        let code = comment.trim().strip_prefix("exit ");
        shown.push(Shown {
            arguments: rest.split_whitespace().map(str::to_owned).collect(),
            code: code.map_or(0, |code| code.parse().expect("an exit code")),
        });
    }
    shown
}

#[test]
fn commands_are_found() {
    let text = "$ polygraph no\n```console\n$ polygraph test a --set b=c  # exit 1\nwhat it says\n\
                $ cargo run --release -- list targets\n$ cargo test\n```\n```sh\n$ polygraph no\n```\n";
    let shown = |arguments: &[&str], code| Shown {
        arguments: arguments.iter().map(ToString::to_string).collect(),
        code,
    };
    assert_eq!(
        commands(text),
        [
            shown(&["test", "a", "--set", "b=c"], 1),
            shown(&["list", "targets"], 0),
        ]
    );
}

/// A folder in which the files of the repository are where README sees them, and what runs leave
/// behind is temporary.
fn workshop(root: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    for entry in fs::read_dir(root).expect("the repository is there") {
        let entry = entry.expect("it can be read");
        let name = entry.file_name();
        if name != "runs" && name != "target" {
            let link = folder.path().join(&name);
            std::os::unix::fs::symlink(entry.path(), link).expect("links can be made");
        }
    }
    folder
}

#[test]
fn every_command_exits_as_readme_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("README.md")).expect("there is a README");
    let commands = commands(&text);
    assert!(!commands.is_empty(), "README shows how to run the program");
    let root = root.canonicalize().expect("the repository is there");
    let folder = workshop(&root);
    for Shown { arguments, code } in commands {
        let ran = polygraph(folder.path(), &arguments);
        let (line, out, err) = (arguments.join(" "), ran.out, ran.err);
        assert_eq!(ran.code, code, "polygraph {line}: {out}{err}");
    }
}
