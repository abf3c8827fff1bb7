//! What a run leaves behind: a folder with everything that was planned, seen and found.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes a folder in `parent` under a name that is not taken; a number is added to the name if
    /// it is. `latest` beside it then points to it.
    ///
    /// # Errors
    /// What making folders gives.
    pub fn create(parent: &Path, name: &str) -> io::Result<Folder> {
        fs::create_dir_all(parent)?;
        let mut taken = 1;
        loop {
            let name = match taken {
                1 => name.to_owned(),
                count => format!("{name}-{count}"),
            };
            match fs::create_dir(parent.join(&name)) {
                Ok(()) => {
                    point_latest(parent, &name);
                    return Ok(Folder {
                        path: parent.join(name),
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// The folder of a run that exists.
    #[must_use]
    pub fn open(path: &Path) -> Folder {
        Folder {
            path: path.to_owned(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes a file in it.
    ///
    /// # Errors
    /// What making files gives.
    pub fn writer(&self, name: &str) -> io::Result<BufWriter<File>> {
        if let Some(folder) = self.file(name).parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(BufWriter::with_capacity(
            1 << 16,
            File::create(self.file(name))?,
        ))
    }

    /// Makes a file in it with this text.
    ///
    /// # Errors
    /// What writing gives.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let mut writer = self.writer(name)?;
        writer.write_all(text.as_bytes())?;
        writer.flush()
    }
}

/// Makes `latest` point to the newest run. Runs side by side may race for it; a run does not
/// depend on it.
fn point_latest(parent: &Path, name: &str) {
    #[cfg(unix)]
    {
        let own = parent.join(format!(".latest-{}", std::process::id()));
        let _ = fs::remove_file(&own);
        if std::os::unix::fs::symlink(name, &own).is_ok() {
            let _ = fs::rename(&own, parent.join("latest"));
        }
    }
    #[cfg(not(unix))]
    let _ = (parent, name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken_are_numbered_and_latest_points_to_the_newest() {
        let parent = tempfile::tempdir().unwrap();
        let first = Folder::create(parent.path(), "run").unwrap();
        let second = Folder::create(parent.path(), "run").unwrap();
        assert_eq!(first.path(), parent.path().join("run"));
        assert_eq!(second.path(), parent.path().join("run-2"));
        second.write("logs/n1.log", "starts\n").unwrap();
        #[cfg(unix)]
        {
            let latest = parent.path().join("latest");
            assert_eq!(fs::read_link(&latest).unwrap(), Path::new("run-2"));
            assert_eq!(
                fs::read_to_string(latest.join("logs/n1.log")).unwrap(),
                "starts\n"
            );
        }
    }
}
