//! The thread that moves bytes.

use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// A thread that runs tasks until it is dropped; what they hold is gone then.
#[derive(Debug)]
pub(crate) struct Engine {
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// A runtime for [`Engine::start`], so that something can be prepared on it.
    pub(crate) fn runtime() -> io::Result<Runtime> {
        Builder::new_current_thread().enable_all().build()
    }

    /// Runs tasks on a thread of its own from now on.
    pub(crate) fn start(runtime: Runtime) -> io::Result<Engine> {
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("links".to_owned())
            .spawn(move || drop(runtime.block_on(ended)))?;
        Ok(Engine {
            handle,
            end: Some(end),
            thread: Some(thread),
        })
    }

    /// Where tasks are given to it.
    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
