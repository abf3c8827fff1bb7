//! The models by their names.

use polygraph_history::Value;

use crate::linearizable::witness::ModelName;
use crate::model::{CasRegister, ModelKind, Object};

/// Something that is done with a model, whichever it is.
pub(super) trait Then {
    /// What comes of it.
    type Output;

    /// Does it.
    fn with<M: Object>(self, model: &M) -> Self::Output;
}

/// Does something with the model of this name.
///
/// # Errors
/// If it is none of single operations, or has no such parameter.
pub(super) fn with_model<T: Then>(name: &ModelName, then: T) -> Result<T::Output, String> {
    let takes: &[&str] = match name.kind {
        ModelKind::Register | ModelKind::CasRegister => &["initial"],
        _ => &[],
    };
    if let Some(parameter) = name
        .parameters
        .keys()
        .find(|key| !takes.contains(&key.as_str()))
    {
        return Err(format!(
            "the model `{}` has no parameter `{parameter}`",
            name.kind
        ));
    }
    let initial = || {
        name.parameters
            .get("initial")
            .cloned()
            .unwrap_or(Value::Null)
    };
    Ok(match name.kind {
        // A register is one with compare-and-set that nobody uses.
        ModelKind::Register | ModelKind::CasRegister => {
            then.with(&CasRegister { initial: initial() })
        }
        other => return Err(format!("the model `{other}` cannot be confirmed")),
    })
}
