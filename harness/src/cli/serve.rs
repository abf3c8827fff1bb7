//! `polygraph serve`: runs and campaigns in a browser.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use polygraph_results::serve::{self, Site};

use super::failure::Failure;
use super::signals::{INTERRUPT, listen};
use crate::judge::exit;

/// Show runs and campaigns in a browser, those under way live.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder that they are in; nothing outside it can be read
    #[arg(value_name = "DIR", default_value = "runs")]
    folder: PathBuf,
    /// Where to listen; port 0 is any that is free. Other machines can read along if this is not
    /// loopback
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7450")]
    address: SocketAddr,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let folder = &arguments.folder;
    let site = Site::new(folder).map_err(|error| {
        Failure::usage(format!(
            "{}: it cannot be served: {error}; expected the folder of runs",
            folder.display()
        ))
    })?;
    listen();
    let stop = AtomicBool::new(false);
    let ended = AtomicBool::new(false);
    let served = std::thread::scope(|scope| {
        scope.spawn(|| {
            while INTERRUPT.load(Ordering::Relaxed) == 0 && !ended.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(50));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let ready = |address| super::print(&format!("http://{address}/ (Ctrl-C ends it)\n"));
        let served = serve::run(&site, arguments.address, &stop, ready);
        ended.store(true, Ordering::Relaxed);
        served
    });
    served.map_err(|error| {
        Failure::usage(format!(
            "{}: nothing can be served there: {error}; choose another --address",
            arguments.address
        ))
    })?;
    Ok(exit::OK)
}
