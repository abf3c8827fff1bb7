//! Runs and campaigns in a browser: `polygraph serve`.
//!
//! - [`Site`]: a folder of runs; [`Site::answer`] is the whole server without a network.
//! - [`run`]: the same over HTTP, until it is told to stop.
//!
//! Pages are made anew for every request, by [`crate::page`]: nothing is written. A run that has no
//! verdict yet reloads itself and so is shown live.
//!
//! **Invariant:** nothing outside the folder is read: see `path`.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use maud::{Markup, html};
use tiny_http::{Header, Method, Request, Response, Server};

use crate::campaign::FILE;
use crate::page::{self, Served, shell};

mod listing;
mod path;
#[cfg(test)]
mod tests;

use listing::Entry;

/// A folder of runs.
pub struct Site {
    /// Without links.
    root: PathBuf,
    /// Summaries of runs, with when their files were last changed.
    known: Mutex<HashMap<PathBuf, (SystemTime, Entry)>>,
}

/// What is sent back.
pub enum Answer {
    /// A page.
    Page(u16, String),
    /// A file as it is, as text.
    File(File),
    /// It is there.
    Moved(String),
}

impl Site {
    /// The runs in a folder.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn new(root: &Path) -> io::Result<Site> {
        let root = root.canonicalize()?;
        if !root.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::NotADirectory,
                "it is no folder",
            ));
        }
        Ok(Site {
            root,
            known: Mutex::default(),
        })
    }

    /// What is at a path with a query, as they stand in a request.
    #[must_use]
    pub fn answer(&self, url: &str) -> Answer {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let Some(found) = path::resolve(&self.root, path) else {
            return not_found();
        };
        if found.is_file() {
            return File::open(&found).map_or_else(|_| not_found(), Answer::File);
        }
        if !found.is_dir() {
            return not_found();
        }
        // Links in a page are relative to the folder.
        match path.rsplit('/').next() {
            Some("") | None => self.folder(&found, query),
            Some(last) => Answer::Moved(format!("{last}/")),
        }
    }

    fn folder(&self, folder: &Path, query: &str) -> Answer {
        let nav = self.nav(folder);
        let has = |file: &str| folder.join(file).is_file();
        if !has(FILE) && !has("history.jsonl") && !has("verdict.json") {
            return Answer::Page(200, listing::page(self, folder, query, &nav));
        }
        let served = Served {
            live: is_live(folder),
            nav: nav.clone(),
        };
        Answer::Page(
            200,
            page::served(folder, Some(served)).unwrap_or_else(|error| {
                notice("This folder is broken", &html! { (nav) p { (error) } })
            }),
        )
    }

    /// Where a folder is, with links to what it is in.
    fn nav(&self, folder: &Path) -> Markup {
        let inside = folder.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let parts: Vec<String> = inside
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        html! {
            nav.where {
                a href=("../".repeat(parts.len()).as_str().to_owned() + "./") { "All runs" }
                @for (at, part) in parts.iter().enumerate() {
                    " / "
                    @let up = parts.len() - 1 - at;
                    @if up > 0 { a href=("../".repeat(up)) { (part) } } @else { (part) }
                }
                @if !parts.is_empty() && folder.join("history.jsonl").is_file() {
                    " · "
                    @for file in ["history.jsonl", "verdict.json", "spec.toml", "schedule.jsonl"] {
                        @if folder.join(file).is_file() { a href=(file) { (file) } " " }
                    }
                }
            }
        }
    }
}

/// A run without a verdict whose history was written to a moment ago.
fn is_live(folder: &Path) -> bool {
    let changed = fs::metadata(folder.join("history.jsonl")).and_then(|it| it.modified());
    let lately = changed.is_ok_and(|it| it.elapsed().is_ok_and(|it| it < Duration::from_secs(30)));
    lately && !folder.join("verdict.json").exists()
}

fn not_found() -> Answer {
    let body = html! { p { "There is nothing here. " a href="/" { "All runs" } } };
    Answer::Page(404, notice("Not found", &body))
}

fn notice(title: &str, body: &Markup) -> String {
    let body = html! { section { h1 { (title) } (body) } };
    shell::file(title, Some(html! {}), &body)
}

/// Answers requests at an address until it is told to stop; `ready` is told the address first.
///
/// # Errors
/// If nobody can be answered at this address.
pub fn run(
    site: &Site,
    address: SocketAddr,
    stop: &AtomicBool,
    ready: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let server = Server::http(address).map_err(io::Error::other)?;
    let bound = server.server_addr().to_ip().unwrap_or(address);
    ready(bound);
    // A page of a large run takes a moment; others need not wait for it.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(Some(request)) = server.recv_timeout(Duration::from_millis(100)) {
                        respond(site, request, bound);
                    }
                }
            });
        }
    });
    Ok(())
}

fn respond(site: &Site, request: Request, bound: SocketAddr) {
    let host = request.headers().iter().find(|it| it.field.equiv("Host"));
    let host = host.map_or("", |it| it.value.as_str());
    let answer = match (request.method(), is_meant(host, bound.ip())) {
        (_, false) => Answer::Page(421, notice("Not served under this name", &html! {})),
        (Method::Get | Method::Head, true) => site.answer(request.url()),
        _ => Answer::Page(405, notice("Only to be read", &html! {})),
    };
    let header = |name: &str, value: &str| {
        Header::from_bytes(name, value).expect("headers of ours are well-formed")
    };
    let nosniff = header("X-Content-Type-Options", "nosniff");
    let fresh = header("Cache-Control", "no-store");
    // Nobody may hear of it who closes the connection early.
    let _ = match answer {
        Answer::Page(status, text) => {
            let html = header("Content-Type", "text/html; charset=utf-8");
            let frame = header("X-Frame-Options", "DENY");
            let response = Response::from_string(text).with_status_code(status);
            request.respond(
                response
                    .with_header(html)
                    .with_header(nosniff)
                    .with_header(fresh)
                    .with_header(frame),
            )
        }
        Answer::Moved(to) => {
            let response = Response::empty(302);
            match Header::from_bytes("Location", to) {
                Ok(location) => request.respond(response.with_header(location)),
                Err(()) => request.respond(Response::empty(404)),
            }
        }
        Answer::File(file) => {
            let text = header("Content-Type", "text/plain; charset=utf-8");
            let policy = header("Content-Security-Policy", "default-src 'none'");
            let response = Response::from_file(file);
            request.respond(
                response
                    .with_header(text)
                    .with_header(nosniff)
                    .with_header(fresh)
                    .with_header(policy),
            )
        }
    };
}

/// Whether a request on loopback asks for loopback: a page from elsewhere could give its own name
/// the address of this machine, and read what is served (DNS rebinding).
fn is_meant(host: &str, bound: IpAddr) -> bool {
    if !bound.is_loopback() {
        return true;
    }
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address: Result<IpAddr, _> = name.parse();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.is_loopback())
}
