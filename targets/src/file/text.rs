//! The text of a target file, before anybody has asked whether it makes sense.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A target file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Text {
    pub(super) name: Spanned<String>,
    pub(super) about: String,
    pub(super) operations: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) reads: Reads,
    pub(super) nodes: Spanned<Nodes>,
    pub(super) client: Client,
    #[serde(default)]
    pub(super) settings: BTreeMap<Spanned<String>, Setting>,
    #[serde(default)]
    pub(super) claims: Vec<Claim>,
    #[serde(default)]
    pub(super) errors: Vec<Error>,
}

/// Where reads go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reads {
    /// To the client's home node.
    #[default]
    Home,
    /// To any node, drawn for each read.
    Any,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Nodes {
    pub(super) count: Option<Spanned<usize>>,
    pub(super) start: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub(super) ports: Vec<Spanned<String>>,
    pub(super) links: Option<Spanned<String>>,
    pub(super) ready: Option<Spanned<Vec<String>>>,
    pub(super) ready_within: Option<Spanned<String>>,
    pub(super) leads: Option<Spanned<Vec<String>>>,
    pub(super) running: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) command: Spanned<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Setting {
    pub(super) accepts: Spanned<Accepts>,
    pub(super) default: Spanned<Value>,
    pub(super) about: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Accepts {
    Words(Vec<String>),
    Range { from: i64, to: i64 },
    Type(String),
}

/// A value, as a person writes it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    Integer(i64),
    Text(String),
}

impl Value {
    pub(super) fn text(&self) -> String {
        match self {
            Value::Integer(value) => value.to_string(),
            Value::Text(text) => text.clone(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) guarantee: Spanned<String>,
    pub(super) stance: Stance,
    /// All kinds if it is not there.
    pub(super) faults: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) when: BTreeMap<Spanned<String>, Spanned<Value>>,
    pub(super) why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stance {
    Holds,
    Broken,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Error {
    pub(super) error: String,
    pub(super) outcome: Outcome,
    pub(super) why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Fail,
    Info,
}
