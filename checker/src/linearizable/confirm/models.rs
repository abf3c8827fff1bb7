//! The models by their names.

use polygraph_history::Value;

use crate::linearizable::witness::ModelName;
use crate::model::{CasRegister, Object};

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
/// If there is none, with those that there are.
pub(super) fn with_model<T: Then>(name: &ModelName, then: T) -> Result<T::Output, String> {
    if let Some(parameter) = name.parameters.keys().next() {
        return Err(format!(
            "the model `{}` has no parameter `{parameter}`",
            name.name
        ));
    }
    Ok(match name.name.as_str() {
        "cas-register" => then.with(&CasRegister {
            initial: Value::Null,
        }),
        other => {
            return Err(format!(
                "there is no model `{other}`; there are cas-register"
            ));
        }
    })
}
