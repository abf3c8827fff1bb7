//! The artifact: one archive with the records of runs, each put in before its check begins, so that
//! a check that runs out of memory takes no evidence with it.
//!
//! A compressed tar file may be written in parts: what is put in is a part of its own, and what
//! turns out not to be worth keeping is left out when that is much, and when the archive is closed.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;

/// An archive that is being written.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    parts: Mutex<Parts>,
}

#[derive(Debug)]
struct Parts {
    file: File,
    /// Where each part begins and ends; `None` of those that were forgotten.
    parts: Vec<Option<(u64, u64)>>,
    /// How many bytes were forgotten and are still in the file.
    forgotten: u64,
}

/// So many bytes of what was forgotten may be in the file.
const IDLE: u64 = 256 << 20;

impl Archive {
    /// Begins an archive.
    ///
    /// # Errors
    /// What writing gives.
    pub(crate) fn create(path: &Path) -> io::Result<Archive> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let file = create(path)?;
        let parts = Parts {
            file,
            parts: Vec::new(),
            forgotten: 0,
        };
        Ok(Archive {
            path: path.to_owned(),
            parts: Mutex::new(parts),
        })
    }

    /// Puts a file or a folder in, under a name; gives its number.
    ///
    /// # Errors
    /// What reading and writing give.
    pub(crate) fn put(&self, name: &str, what: &Path) -> io::Result<usize> {
        let mut tar = tar::Builder::new(Vec::new());
        // Bytes that depend on nothing but what is in the files.
        tar.mode(tar::HeaderMode::Deterministic);
        tar.follow_symlinks(false);
        match what.is_dir() {
            true => tar.append_dir_all(name, what)?,
            false => tar.append_path_with_name(what, name)?,
        }
        let mut whole = tar.into_inner()?;
        // Nobody reads on behind the end of an archive: there is one at the close.
        whole.truncate(whole.len() - END.len());
        let bytes = compressed(&whole)?;
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = parts.file.seek(SeekFrom::End(0))?;
        parts.file.write_all(&bytes)?;
        parts.parts.push(Some((begin, begin + bytes.len() as u64)));
        Ok(parts.parts.len() - 1)
    }

    /// Says that a part is not worth keeping.
    ///
    /// # Errors
    /// What writing gives, where there is much to leave out.
    pub(crate) fn forget(&self, part: usize) -> io::Result<()> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((begin, end)) = parts.parts.get_mut(part).and_then(Option::take) {
            parts.forgotten += end - begin;
        }
        match parts.forgotten > IDLE {
            true => parts.compact(&self.path),
            false => Ok(()),
        }
    }

    /// Leaves out what was forgotten, and ends the archive.
    ///
    /// # Errors
    /// What writing gives.
    pub(crate) fn close(self) -> io::Result<()> {
        let mut parts = self
            .parts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        parts.compact(&self.path)?;
        parts.file.seek(SeekFrom::End(0))?;
        parts.file.write_all(&compressed(&END)?)
    }
}

impl Parts {
    /// Writes the file anew without what was forgotten. The old one stands until the new one does.
    fn compact(&mut self, path: &Path) -> io::Result<()> {
        let short = path.with_extension("part");
        let mut new = create(&short)?;
        let mut moved = Vec::with_capacity(self.parts.len());
        let mut at = 0;
        for part in &self.parts {
            let Some((begin, end)) = *part else {
                moved.push(None);
                continue;
            };
            self.file.seek(SeekFrom::Start(begin))?;
            let copied = io::copy(&mut (&mut self.file).take(end - begin), &mut new)?;
            moved.push(Some((at, at + copied)));
            at += copied;
        }
        fs::rename(short, path)?;
        *self = Parts {
            file: new,
            parts: moved,
            forgotten: 0,
        };
        Ok(())
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(true);
    options.open(path)
}

/// How a tar file ends: two empty blocks.
const END: [u8; 1024] = [0; 1024];

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names and the texts in an archive.
    fn read(path: &Path) -> Vec<(String, String)> {
        let file = File::open(path).unwrap();
        let mut tar = tar::Archive::new(flate2::read::MultiGzDecoder::new(file));
        let entries = tar.entries().unwrap();
        entries
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                let name = entry.path().unwrap().to_string_lossy().into_owned();
                (name, text)
            })
            .collect()
    }

    #[test]
    fn what_was_forgotten_is_left_out_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar.gz");
        let archive = Archive::create(&path).unwrap();
        let put = |name: &str| {
            let file = folder.path().join(name);
            fs::write(&file, format!("this is {name}")).unwrap();
            archive.put(name, &file).unwrap()
        };
        let parts: Vec<usize> = ["a", "b", "c", "d"].into_iter().map(put).collect();
        archive.forget(parts[1]).unwrap();
        // As it does by itself where much was forgotten; what follows finds its place.
        let compacted = archive.parts.lock().unwrap().compact(&path);
        compacted.unwrap();
        // Nobody has closed it: it can be read all the same.
        let names = |path| {
            read(path)
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&path), ["a", "c", "d"]);
        put("e");
        archive.forget(parts[2]).unwrap();
        archive.forget(parts[2]).unwrap();
        archive.close().unwrap();
        let expected = ["a", "d", "e"].map(|name| (name.to_owned(), format!("this is {name}")));
        assert_eq!(read(&path), expected);
        assert!(!path.with_extension("part").exists());
    }
}
