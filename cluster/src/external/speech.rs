//! What the harness and a client program say to each other: one JSON object a line.
//!
//! ```text
//! → {"open":{"client":0,"node":"n1","address":"127.0.0.1:4001","addresses":{…},"settings":{…}}}
//! ← {"ok":{}}                                   or {"error":"why the node cannot be reached"}
//! → {"invoke":{"id":7,"op":{"read":{"key":"x"}}}}
//! ← {"id":7,"ok":{"read":{"key":"x","value":3}},"version":12}
//! ← {"id":7,"fail":"cas-mismatch","detail":"…"}     it did not take place and never will
//! ← {"id":7,"info":"timeout","detail":"…"}          it may take effect at any later moment, or never
//! → {"close":{}}
//! ```

use std::collections::BTreeMap;

use polygraph_history::{ErrorName, NodeId, Op};
use serde::{Deserialize, Serialize};

use crate::Reply;

/// What is said to a client program.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Say<'a> {
    /// Connect to a node.
    Open {
        client: usize,
        node: NodeId,
        address: &'a str,
        addresses: &'a BTreeMap<String, String>,
        settings: &'a BTreeMap<String, String>,
    },
    /// Carry out an operation.
    Invoke { id: u64, op: &'a Op },
    /// Leave.
    Close {},
}

impl Say<'_> {
    /// As a line.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("operations serialize");
        line.push(b'\n');
        line
    }
}

/// What a client program says; exactly one of the outcomes is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    id: Option<u64>,
    ok: Option<serde_json::Value>,
    fail: Option<String>,
    info: Option<String>,
    error: Option<String>,
    version: Option<u64>,
    #[serde(default)]
    detail: String,
}

/// What a client program says to `open`: nothing more, or why it cannot.
pub(super) fn opened(line: &str) -> Result<Result<(), String>, String> {
    let said: Said = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match said {
        Said {
            error: Some(why), ..
        } => Ok(Err(why)),
        Said { ok: Some(_), .. } => Ok(Ok(())),
        _ => Err(r#"the answer to `open` is {"ok":{}} or {"error":"…"}"#.to_owned()),
    }
}

/// What a client program says to `invoke`: to which one, and what.
pub(super) fn answered(line: &str, asked: &Op) -> Result<(u64, Reply), String> {
    let said: Said = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let id = said.id.ok_or("the field `id` is missing")?;
    let detail = said.detail;
    let reply = match (said.ok, said.fail, said.info) {
        (Some(op), None, None) => {
            let op: Op = serde_json::from_value(op)
                .map_err(|error| format!("what is in `ok` is no operation: {error}"))?;
            if !asked.repeated_by(&op) {
                return Err(
                    "what is in `ok` is another operation than the one asked for".to_owned(),
                );
            }
            Reply::Ok {
                op,
                version: said.version,
            }
        }
        (None, Some(error), None) => Reply::Fail {
            error: ErrorName::new(&error),
            detail,
        },
        (None, None, Some(error)) => Reply::Info {
            error: ErrorName::new(&error),
            detail,
        },
        _ => return Err("an answer has one of the fields `ok`, `fail` and `info`".to_owned()),
    };
    Ok((id, reply))
}
