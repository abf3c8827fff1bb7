//! Names: of nodes, of links between them, of errors.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A node of the cluster, written `n1` to `nN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u16);

impl NodeId {
    /// The node at this position, counted from zero: `NodeId::at(0)` is `n1`.
    #[must_use]
    pub const fn at(position: usize) -> NodeId {
        assert!(position < 65_535, "a cluster has at most 65535 nodes");
        NodeId(position as u16 + 1)
    }

    /// Its position, counted from zero.
    #[must_use]
    pub const fn position(self) -> usize {
        self.0 as usize - 1
    }

    /// All nodes of a cluster of this size, in order.
    #[must_use]
    pub fn all(count: usize) -> Vec<NodeId> {
        (0..count).map(NodeId::at).collect()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// What was written where `n1`, `n2`, … was expected.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a node, expected n1, n2, …")]
pub struct ParseNodeError(String);

impl FromStr for NodeId {
    type Err = ParseNodeError;

    fn from_str(text: &str) -> Result<NodeId, ParseNodeError> {
        text.strip_prefix('n')
            .and_then(|digits| digits.parse().ok())
            .filter(|&number| number > 0 && format!("n{number}") == text)
            .map(NodeId)
            .ok_or_else(|| ParseNodeError(text.to_owned()))
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u16(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NodeId, D::Error> {
        use serde::de::Error;
        if deserializer.is_human_readable() {
            Cow::<str>::deserialize(deserializer)?
                .parse()
                .map_err(D::Error::custom)
        } else {
            match u16::deserialize(deserializer)? {
                0 => Err(D::Error::custom("nodes are numbered from 1")),
                number => Ok(NodeId(number)),
            }
        }
    }
}

/// A directed link between two nodes: what the first sends to the second. Written `["n1","n2"]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(NodeId, NodeId)", into = "(NodeId, NodeId)")]
pub struct Link {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
}

impl From<(NodeId, NodeId)> for Link {
    fn from((from, to): (NodeId, NodeId)) -> Link {
        Link { from, to }
    }
}

impl From<Link> for (NodeId, NodeId) {
    fn from(link: Link) -> (NodeId, NodeId) {
        (link.from, link.to)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}→{}", self.from, self.to)
    }
}

/// Why an operation or a fault did not end well: one of the field's short names, or a target's
/// own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorName(Cow<'static, str>);

impl ErrorName {
    /// No answer within the operation timeout.
    pub const TIMEOUT: ErrorName = ErrorName(Cow::Borrowed("timeout"));
    /// The connection broke after the request was sent.
    pub const CONNECTION_LOST: ErrorName = ErrorName(Cow::Borrowed("connection-lost"));
    /// Nobody listened: the request was never sent.
    pub const REFUSED: ErrorName = ErrorName(Cow::Borrowed("refused"));
    /// The store says that it cannot serve this now.
    pub const UNAVAILABLE: ErrorName = ErrorName(Cow::Borrowed("unavailable"));
    /// Fewer replicas than asked for confirmed; some may have stored it.
    pub const TOO_FEW_ACKS: ErrorName = ErrorName(Cow::Borrowed("too-few-acks"));
    /// The node does not lead and did nothing.
    pub const NOT_LEADER: ErrorName = ErrorName(Cow::Borrowed("not-leader"));
    /// A compare-and-set found another value.
    pub const CAS_MISMATCH: ErrorName = ErrorName(Cow::Borrowed("cas-mismatch"));
    /// An element could not be added because it was there.
    pub const PRESENT: ErrorName = ErrorName(Cow::Borrowed("present"));
    /// An element could not be removed because it was not there.
    pub const ABSENT: ErrorName = ErrorName(Cow::Borrowed("absent"));
    /// A transaction was aborted for another's sake.
    pub const CONFLICT: ErrorName = ErrorName(Cow::Borrowed("conflict"));
    /// The node died.
    pub const CRASHED: ErrorName = ErrorName(Cow::Borrowed("crashed"));
    /// The target does not offer this operation.
    pub const NOT_SUPPORTED: ErrorName = ErrorName(Cow::Borrowed("not-supported"));
    /// A fault: its role resolved to nobody.
    pub const NO_SUCH_ROLE: ErrorName = ErrorName(Cow::Borrowed("no-such-role"));
    /// A fault: its effect was not seen within a second.
    pub const NOT_VERIFIED: ErrorName = ErrorName(Cow::Borrowed("not-verified"));

    /// A name of a target's own.
    #[must_use]
    pub fn new(name: &str) -> ErrorName {
        ErrorName(Cow::Owned(name.to_owned()))
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
