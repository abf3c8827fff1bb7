//! The artifact: one archive with the records of runs, each put in before its check begins, so that
//! a check that runs out of memory takes no evidence with it.
//!
//! A compressed tar file may be written in parts: what is put in is a part of its own, and what
//! turns out not to be worth keeping is left out when the archive is closed.

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
    /// Where each part begins and ends, and whether it stays.
    parts: Vec<(u64, u64, bool)>,
}

impl Archive {
    /// Begins an archive.
    ///
    /// # Errors
    /// What writing gives.
    pub(crate) fn create(path: &Path) -> io::Result<Archive> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        let parts = Parts {
            file,
            parts: Vec::new(),
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
        parts.parts.push((begin, begin + bytes.len() as u64, true));
        Ok(parts.parts.len() - 1)
    }

    /// Says that a part is not worth keeping.
    pub(crate) fn forget(&self, part: usize) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, stays)) = parts.parts.get_mut(part) {
            *stays = false;
        }
    }

    /// Leaves out what was forgotten, and ends the archive.
    ///
    /// # Errors
    /// What writing gives.
    pub(crate) fn close(self) -> io::Result<()> {
        let Parts { mut file, parts } = self
            .parts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let short = self.path.with_extension("part");
        let mut out = io::BufWriter::new(File::create(&short)?);
        for (begin, end, _) in parts.into_iter().filter(|(_, _, stays)| *stays) {
            file.seek(SeekFrom::Start(begin))?;
            io::copy(&mut (&mut file).take(end - begin), &mut out)?;
        }
        out.write_all(&compressed(&END)?)?;
        out.flush()?;
        drop(out);
        fs::rename(short, self.path)
    }
}

/// How a tar file ends: two empty blocks.
const END: [u8; 1024] = [0; 1024];

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}
