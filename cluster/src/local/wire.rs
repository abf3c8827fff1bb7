//! Messages between nodes as bytes.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::frame::{self, MESSAGE};

/// Appends a message as a frame.
///
/// # Errors
/// A sentence, if the message cannot be written, or, in debug builds, not be read back as it was.
pub(super) fn push<M: Debug + Serialize + DeserializeOwned>(
    out: &mut Vec<u8>,
    message: &M,
) -> Result<(), String> {
    if cfg!(debug_assertions) {
        survives(message)?;
    }
    let bytes = postcard::to_extend(message, vec![MESSAGE])
        .map_err(|error| format!("{message:?} cannot be sent: {error}"))?;
    frame::push(out, &bytes);
    Ok(())
}

/// Reads a message.
///
/// # Errors
/// A sentence, if it is none.
pub(super) fn read<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, String> {
    postcard::from_bytes(bytes).map_err(|error| format!("a message cannot be read: {error}"))
}

/// Whether a message between nodes arrives as it was sent. Messages travel without the names of
/// their fields, so that types that leave out absent fields (`Op` and `Micro` among them) are
/// garbled; only a real world notices.
///
/// # Errors
/// A sentence that shows what becomes of it.
pub fn survives<M: Debug + Serialize + DeserializeOwned>(message: &M) -> Result<(), String> {
    let sent = format!("{message:?}");
    let bytes =
        postcard::to_stdvec(message).map_err(|error| format!("{sent} cannot be sent: {error}"))?;
    let (arrived, rest) = postcard::take_from_bytes::<M>(&bytes)
        .map_err(|error| format!("{sent} cannot be read back: {error}"))?;
    let arrived = format!("{arrived:?}");
    if arrived == sent && rest.is_empty() {
        Ok(())
    } else {
        Err(format!("{sent} arrives as {arrived}"))
    }
}

#[cfg(test)]
mod tests {
    use polygraph_history::Op;

    use super::*;

    #[test]
    fn what_is_garbled_is_noticed() {
        assert_eq!(survives(&(1, "x".to_owned(), Some(2_u64))), Ok(()));
        let read = Op::Read {
            key: "x".into(),
            value: None,
        };
        assert!(survives(&read).is_err());
        assert!(survives(&(read, 1_u64)).is_err());
    }
}
