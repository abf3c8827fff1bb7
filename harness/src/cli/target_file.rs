//! The file of a target, as a command is given it.

use std::fs;
use std::path::Path;

use polygraph_results::ErrorBody;
use polygraph_targets::FileTarget;

use super::failure::Failure;

/// Reads the target that a file describes. It lives as long as the program.
pub(super) fn read(path: &Path) -> Result<&'static FileTarget, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::input(ErrorBody {
            message: format!("{}: it cannot be read: {error}", path.display()),
            file: Some(path.display().to_string()),
            expected: Some("the file of a target".to_owned()),
            ..ErrorBody::default()
        })
    })?;
    let target = FileTarget::read(&text, path);
    let target = target.map_err(|error| Failure::unreadable(path, error))?;
    Ok(Box::leak(Box::new(target)))
}
