//! The rules that the workspace keeps: who may know whom, one program, registries that can be
//! read off the folders, and no path of anybody's machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use polygraph_nemesis::NEMESES;
use polygraph_targets::TARGETS;
use polygraph_workloads::WORKLOADS;
use serde_json::Value;

/// What each crate may know of ours, in its tests too.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("polygraph-history", &[]),
    ("polygraph-checker", &["polygraph-history"]),
    (
        "polygraph-workloads",
        &["polygraph-history", "polygraph-checker"],
    ),
    ("polygraph-cluster", &["polygraph-history"]),
    (
        "polygraph-nemesis",
        &["polygraph-history", "polygraph-cluster"],
    ),
    (
        "polygraph-targets",
        &["polygraph-history", "polygraph-cluster"],
    ),
    (
        "polygraph-results",
        &["polygraph-history", "polygraph-checker"],
    ),
    (
        "polygraph",
        &[
            "polygraph-history",
            "polygraph-checker",
            "polygraph-workloads",
            "polygraph-cluster",
            "polygraph-nemesis",
            "polygraph-targets",
            "polygraph-results",
        ],
    ),
];

/// The root of the workspace.
fn root() -> PathBuf {
    let harness = Path::new(env!("CARGO_MANIFEST_DIR"));
    harness
        .parent()
        .expect("harness is in the workspace")
        .to_owned()
}

/// What cargo says of the workspace.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .expect("cargo runs this test");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    serde_json::from_slice(&output.stdout).expect("metadata is JSON")
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    let text = value[field].as_str();
    text.unwrap_or_else(|| panic!("{field} of {value} is no text"))
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    let list = value[field].as_array();
    list.unwrap_or_else(|| panic!("{field} of {value} is no list"))
}

#[test]
fn crates_know_only_whom_they_may() {
    let metadata = metadata();
    let packages = list(&metadata, "packages");
    let names: BTreeSet<&str> = packages
        .iter()
        .map(|package| text(package, "name"))
        .collect();
    let listed: BTreeSet<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, listed, "every crate has its rule");
    let rules: BTreeMap<_, _> = MAY_KNOW.iter().copied().collect();
    for package in packages {
        let name = text(package, "name");
        // Whatever is in the workspace has a path; everything else comes from a registry.
        let dependencies = list(package, "dependencies").iter();
        let ours = dependencies.filter(|dependency| !dependency["path"].is_null());
        for dependency in ours.map(|dependency| text(dependency, "name")) {
            assert!(
                rules[name].contains(&dependency),
                "{name} must not know {dependency}; it may know {:?}",
                rules[name]
            );
        }
    }
}

#[test]
fn folders_are_named_as_their_crates() {
    for package in list(&metadata(), "packages") {
        let name = text(package, "name");
        let folder = name.strip_prefix("polygraph-").unwrap_or("harness");
        let manifest = root().join(folder).join("Cargo.toml");
        assert_eq!(text(package, "manifest_path"), manifest.to_string_lossy());
    }
}

#[test]
fn cargo_run_starts_the_one_program() {
    let metadata = metadata();
    let members = list(&metadata, "workspace_default_members");
    let packages = list(&metadata, "packages").iter();
    let default = packages.filter(|package| members.contains(&package["id"]));
    let programs: Vec<&str> = default
        .flat_map(|package| list(package, "targets"))
        .filter(|target| list(target, "kind").iter().any(|kind| kind == "bin"))
        .map(|target| text(target, "name"))
        .collect();
    assert_eq!(programs, ["polygraph"]);
}

/// The source files under a folder, in order.
fn sources(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let made = matches!(&*name, "target" | "runs" | ".git");
        if path.is_symlink() || made {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path, wanted));
        } else if wanted(&path) {
            found.push(path);
        }
    }
    found
}

/// The files and folders right under `folder` in which `what` is implemented.
fn implementers(folder: &str, what: &str) -> BTreeSet<String> {
    let source = root().join(folder).join("src");
    let is_rust = |path: &Path| path.extension().is_some_and(|extension| extension == "rs");
    let start = format!("impl {what} for ");
    let implements = |path: &&PathBuf| {
        let text = fs::read_to_string(path).expect("sources are text");
        text.lines().any(|line| line.starts_with(&start))
    };
    let files = sources(&source, &is_rust);
    let names = files.iter().filter(implements).map(|path| {
        let inside = path.strip_prefix(&source).expect("it was found there");
        let first = inside.iter().next().expect("a file has a name");
        first.to_string_lossy().trim_end_matches(".rs").to_owned()
    });
    names.collect()
}

/// One file or folder per entry, of the entry's name, and none besides.
fn assert_registered<'n>(folder: &str, what: &str, entries: impl Iterator<Item = &'n str>) {
    let entries: Vec<&str> = entries.collect();
    let names: BTreeSet<String> = entries.iter().map(|name| name.replace('-', "_")).collect();
    assert_eq!(
        names.len(),
        entries.len(),
        "a name of {folder} stands twice"
    );
    assert!(!names.is_empty());
    assert_eq!(implementers(folder, what), names, "{what} in {folder}/src");
}

#[test]
fn every_entry_of_a_registry_has_a_file_of_its_name() {
    let targets = TARGETS.iter().map(|target| target.name());
    // What a file describes is a target as well, and no entry.
    assert_registered("targets", "BuiltIn", targets);
    let workloads = WORKLOADS.iter().map(|workload| workload.name());
    assert_registered("workloads", "Workload", workloads);
    let nemeses = NEMESES.iter().map(|nemesis| nemesis.family().name());
    assert_registered("nemesis", "Nemesis", nemeses);
}

/// Whether a text has a path that begins with `prefix`, and not in the middle of a longer one.
fn names_path(text: &str, prefix: &str) -> bool {
    text.match_indices(prefix).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}>".contains(c))
    })
}

#[test]
fn no_source_names_a_path_of_a_machine() {
    let root = root().canonicalize().expect("the workspace is there");
    // Written in parts: this file is a source too.
    let mut forbidden: Vec<String> = ["home", "root", "Users"]
        .iter()
        .map(|folder| ["", folder, ""].join("/"))
        .collect();
    forbidden.push(root.display().to_string());
    let top = root.iter().nth(1).unwrap_or_default().to_string_lossy();
    // Whoever keeps the workspace among temporary files forbids nothing by it.
    if !matches!(&*top, "" | "tmp" | "var") {
        forbidden.push(format!("/{top}/"));
    }
    let is_source = |path: &Path| {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let in_ci = path.iter().any(|part| part == ".ci");
        in_ci || matches!(&*extension, "rs" | "toml" | "md" | "sh")
    };
    let files = sources(&root, &is_source);
    assert!(files.len() > 100, "{} files", files.len());
    for path in files {
        let text = fs::read_to_string(&path).expect("sources are text");
        for (at, line) in text.lines().enumerate() {
            let named = forbidden.iter().find(|prefix| names_path(line, prefix));
            assert!(named.is_none(), "{path:?}, line {}: {line}", at + 1);
        }
    }
}
