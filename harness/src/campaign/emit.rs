//! Jobs for clusters: what runs every shard of a campaign, and merges them.
//!
//! The texts stand in `emit/`; what is between `@` signs is filled in.

use super::cells::Plan;

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cluster {
    /// An Indexed Job, and a Job that merges.
    Kubernetes,
    /// A job array, and a job that merges after it.
    Slurm,
    /// A matrix of jobs, and one that needs them all.
    GithubMatrix,
}

/// What is filled in besides the plan.
#[derive(Clone, Debug)]
pub(crate) struct Filling<'a> {
    /// How many shards.
    pub(crate) shards: u64,
    /// The image that has the program, for Kubernetes.
    pub(crate) image: &'a str,
    /// What the campaign's file says.
    pub(crate) text: &'a str,
    /// What failed before.
    pub(crate) memory: &'a str,
    /// Options that every shard has, such as the profile.
    pub(crate) options: &'a str,
}

/// The job as a text that is ready to be used.
pub(crate) fn emit(cluster: Cluster, plan: &Plan, filling: &Filling<'_>) -> String {
    let template = match cluster {
        Cluster::Kubernetes => include_str!("emit/kubernetes.yaml"),
        Cluster::Slurm => include_str!("emit/slurm.sh"),
        Cluster::GithubMatrix => include_str!("emit/github.yaml"),
    };
    let name = label(&plan.name);
    let indices: Vec<String> = (1..=filling.shards).map(|it| it.to_string()).collect();
    let options = match filling.options {
        "" => String::new(),
        options => format!(" {options}"),
    };
    // Files go in last: what looks like a blank in them is none.
    template
        .replace("@name@", &name)
        .replace("@shards@", &filling.shards.to_string())
        .replace("@last@", &(filling.shards - 1).to_string())
        .replace("@indices@", &indices.join(", "))
        .replace("@image@", filling.image)
        .replace("@options@", &options)
        .replace("@file@", &shell(&plan.file))
        .replace("@campaign@", &indented(filling.text))
        .replace("@memory@", &indented(filling.memory))
}

/// A name that labels of clusters accept.
fn label(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let label: String = name.chars().map(plain).take(40).collect();
    let label = label.trim_matches('-');
    match label.is_empty() {
        true => "campaign".to_owned(),
        false => label.to_owned(),
    }
}

/// A word of a shell.
fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// A text as a block of YAML, four spaces in.
fn indented(text: &str) -> String {
    let line = |line: &str| match line.is_empty() {
        true => String::new(),
        false => format!("    {line}"),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
