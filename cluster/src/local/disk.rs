//! A node's files: what is written stays in the process until a sync, so that `kill -9` loses it
//! as a crash of the machine would.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use crate::{Disk, SyncFailed, SyncId};

/// Bytes for a place in a file.
struct Write {
    file: &'static str,
    offset: u64,
    bytes: Vec<u8>,
}

/// What one sync makes durable: all writes since the one before.
struct Batch {
    writes: Vec<Write>,
    sync: SyncId,
}

/// A node's files, written by a thread of their own so that a slow disk holds nobody up.
pub(super) struct Files {
    unsynced: Vec<Write>,
    batches: mpsc::Sender<Batch>,
}

impl Files {
    /// Opens the folder; gives back what is in it. `synced` is called for every sync, in order.
    pub(super) fn open(
        folder: &Path,
        synced: impl Fn(SyncId, Result<(), SyncFailed>) + Send + 'static,
    ) -> io::Result<(Files, Disk)> {
        let mut contents = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| {
                io::Error::other(format!("a file with a strange name: {}", name.display()))
            })?;
            contents.insert(name, fs::read(entry.path())?);
        }
        let (batches, received) = mpsc::channel();
        let mut platter = Platter {
            folder: folder.to_owned(),
            files: BTreeMap::new(),
        };
        thread::Builder::new()
            .name("disk".to_owned())
            .spawn(move || platter.serve(&received, &synced))?;
        let files = Files {
            unsynced: Vec::new(),
            batches,
        };
        Ok((files, Disk::new(contents)))
    }

    pub(super) fn write(&mut self, file: &'static str, offset: u64, bytes: Vec<u8>) {
        self.unsynced.push(Write {
            file,
            offset,
            bytes,
        });
    }

    pub(super) fn sync(&mut self, sync: SyncId) {
        let writes = std::mem::take(&mut self.unsynced);
        // The thread ends only with this sender.
        let _ = self.batches.send(Batch { writes, sync });
    }
}

/// What the disk's thread holds.
struct Platter {
    folder: PathBuf,
    files: BTreeMap<&'static str, File>,
}

impl Platter {
    /// Makes batches durable; those that came while the disk was busy share one sync. After one
    /// has failed nobody knows what is on the disk, and no later one may say that all is well.
    fn serve(
        &mut self,
        batches: &mpsc::Receiver<Batch>,
        synced: &impl Fn(SyncId, Result<(), SyncFailed>),
    ) {
        let mut result = Ok(());
        while let Ok(first) = batches.recv() {
            let group: Vec<Batch> = std::iter::once(first).chain(batches.try_iter()).collect();
            if let (Ok(()), Err(error)) = (result, self.persist(&group)) {
                eprintln!("sync failed: {error}");
                result = Err(SyncFailed);
            }
            for batch in &group {
                synced(batch.sync, result);
            }
        }
    }

    fn persist(&mut self, group: &[Batch]) -> io::Result<()> {
        let mut touched = BTreeSet::new();
        for write in group.iter().flat_map(|batch| &batch.writes) {
            let file = self.file(write.file)?;
            file.write_all_at(&write.bytes, write.offset)?;
            touched.insert(write.file);
        }
        for name in touched {
            self.file(name)?.sync_data()?;
        }
        Ok(())
    }

    fn file(&mut self, name: &'static str) -> io::Result<&File> {
        if !self.files.contains_key(name) {
            if name.is_empty() || name.starts_with('.') || name.contains('/') {
                return Err(io::Error::other(format!(
                    "`{name}` is not a plain file name"
                )));
            }
            let path = self.folder.join(name);
            let mut options = File::options();
            let file = options
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)?;
            // The name has to survive too.
            File::open(&self.folder)?.sync_all()?;
            self.files.insert(name, file);
        }
        Ok(&self.files[name])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_synced_is_there_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, told) = mpsc::channel();
        let open = |tell: mpsc::Sender<_>| {
            Files::open(folder.path(), move |sync, result| {
                tell.send((sync, result)).unwrap();
            })
        };
        let (mut files, disk) = open(tell.clone()).unwrap();
        assert_eq!(disk, Disk::default());
        files.write("log", 3, b"abc".to_vec());
        files.sync(SyncId(1));
        files.write("log", 4, b"X".to_vec());
        files.write("other", 0, b"y".to_vec());
        files.sync(SyncId(2));
        files.write("log", 0, b"never".to_vec());
        assert_eq!(told.recv().unwrap(), (SyncId(1), Ok(())));
        assert_eq!(told.recv().unwrap(), (SyncId(2), Ok(())));
        drop(files);
        let (mut files, disk) = open(tell).unwrap();
        assert_eq!(disk.file("log"), b"\0\0\0aXc");
        assert_eq!(disk.file("other"), b"y");
        files.write("../escape", 0, vec![1]);
        files.sync(SyncId(3));
        assert_eq!(told.recv().unwrap(), (SyncId(3), Err(SyncFailed)));
        files.sync(SyncId(4));
        assert_eq!(told.recv().unwrap(), (SyncId(4), Err(SyncFailed)));
    }
}
