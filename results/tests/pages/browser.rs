//! Pages in a browser: opened, no request made, no script error, nothing cut off or in the way of
//! something else, and what a store wrote inert. Skipped where there is no Chromium.
//!
//! With `POLYGRAPH_SCREENSHOTS=DIR` screenshots at two widths in both schemes are left there.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use polygraph_results::page;

use super::folders;

/// Where Chromium is, if it is somewhere.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser"].map(|name| folder.join(name)))
        .find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: there is no Chromium on PATH to open pages with");
    }
    found
}

/// Opens a file; gives back what it became and what the browser said of it.
fn open(chromium: &Path, file: &Path, options: &[&str]) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let [out, err] = ["out", "err"].map(|name| profile.path().join(name));
    let mut browser = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args(["--hide-scrollbars", "--enable-logging=stderr"])
        .arg(format!(
            "--user-data-dir={}",
            profile.path().join("profile").display()
        ))
        .args(options)
        .arg(format!("file://{}", file.display()))
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .spawn()
        .expect("Chromium starts");
    let began = Instant::now();
    while browser.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(120) {
            let _ = browser.kill();
            let _ = browser.wait();
            panic!(
                "Chromium does not end: {}",
                fs::read_to_string(&err).unwrap_or_default()
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = |file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    (text(out), text(err))
}

/// What a script or the policy complained of.
fn complaints(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect()
}

/// A page that holds another at a width, and measures it: whether it is wider than its window, and
/// in its drawings which texts are cut off and which are in each other's way.
fn measuring(page: &str, width: usize) -> String {
    // The policy would forbid the measuring.
    let from = page
        .find("<meta http-equiv=\"Content-Security-Policy\"")
        .expect("a policy");
    let to = from + page[from..].find('>').expect("its end") + 1;
    let page = format!("{}{}", &page[..from], &page[to..]);
    let page = page.replace('&', "&amp;").replace('"', "&quot;");
    format!(
        r#"<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" style="border:0" width="{width}" height="4000" srcdoc="{page}"></iframe>
<pre id="found"></pre>
<script>
frame.onload = () => {{
  const inside = frame.contentDocument;
  for (const it of inside.querySelectorAll("details")) it.open = true;
  const found = [];
  const wide = inside.documentElement.scrollWidth;
  if (wide > {width}) found.push(`wide ${{wide}}`);
  for (const svg of inside.querySelectorAll("svg")) {{
    const whole = svg.getBoundingClientRect();
    if (whole.width === 0) continue;
    const seen = [];
    for (const text of svg.querySelectorAll("text")) {{
      const box = text.getBoundingClientRect();
      if (box.width === 0) continue;
      if (box.left < whole.left - 1 || box.right > whole.right + 1 || box.bottom > whole.bottom + 1 || box.top < whole.top - 1)
        found.push(`cut ${{text.textContent}}`);
      for (const [other, at] of seen) {{
        const over = Math.min(box.right, at.right) - Math.max(box.left, at.left);
        const above = Math.min(box.bottom, at.bottom) - Math.max(box.top, at.top);
        if (over > 1 && above > 4) found.push(`over ${{text.textContent}} / ${{other}}`);
      }}
      seen.push([text.textContent, box]);
    }}
  }}
  document.getElementById("found").textContent = "measured\n" + found.join("\n");
}};
</script>"#
    )
}

/// Somebody to be asked, who counts.
struct Trap {
    port: u16,
    caught: Arc<AtomicUsize>,
}

impl Trap {
    fn new() -> Trap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let caught = Arc::new(AtomicUsize::new(0));
        let count = caught.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::Relaxed);
                let mut stream = stream;
                // Who is not answered waits for ever.
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(
                    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                );
            }
        });
        Trap { port, caught }
    }

    fn caught(&self) -> usize {
        self.caught.load(Ordering::Relaxed)
    }
}

/// Every folder that a page can be made of.
fn all() -> Vec<(&'static str, tempfile::TempDir)> {
    vec![
        ("register", folders::register()),
        ("hostile", folders::hostile(1)),
        ("campaign", folders::campaign()),
    ]
}

#[test]
fn pages_open_without_a_complaint_and_fit() {
    let Some(chromium) = chromium() else { return };
    let scratch = tempfile::tempdir().unwrap();
    for (name, folder) in all() {
        let text = page::of_folder(folder.path()).unwrap();
        let file = scratch.path().join("page.html");
        fs::write(&file, &text).unwrap();
        let (dom, log) = open(&chromium, &file, &["--dump-dom"]);
        assert!(
            dom.contains("data-script=\"ran\""),
            "{name}: the script did not run: {log}"
        );
        assert_eq!(complaints(&log), [""; 0], "{name}");
        for width in [1280, 390] {
            fs::write(&file, measuring(&text, width)).unwrap();
            let (dom, _) = open(&chromium, &file, &["--dump-dom"]);
            let found = dom.split("<pre id=\"found\">").nth(1).unwrap_or_default();
            let found = found.split("</pre>").next().unwrap_or_default();
            assert_eq!(found.trim(), "measured", "{name} at {width}");
        }
    }
}

#[test]
fn what_a_store_wrote_is_inert() {
    let Some(chromium) = chromium() else { return };
    let trap = Trap::new();
    let port = trap.port;
    let folder = folders::hostile(port);
    let text = page::of_run(folder.path()).unwrap();
    assert!(
        text.contains(&port.to_string()),
        "the values are on the page"
    );
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("page.html");
    fs::write(&file, &text).unwrap();
    let (dom, log) = open(&chromium, &file, &["--dump-dom"]);
    assert!(!dom.contains("data-caught"), "a script of the store's ran");
    for element in ["<img", "<iframe", "<object", "<embed", "<base"] {
        assert!(!dom.contains(element), "{element}");
    }
    assert_eq!(complaints(&log), [""; 0]);
    assert_eq!(trap.caught(), 0, "the page asked somebody for something");
    // The trap works: without escapes and policy it is walked into.
    let bare = format!("<!doctype html><body>{}", folders::hostile_text(port));
    fs::write(&file, bare).unwrap();
    let (dom, _) = open(&chromium, &file, &["--dump-dom"]);
    assert!(dom.contains("data-caught"));
    assert!(trap.caught() > 0);
}

#[test]
fn screenshots_are_taken_at_both_widths_in_both_schemes() {
    let Some(chromium) = chromium() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("POLYGRAPH_SCREENSHOTS").map(PathBuf::from);
    let out = kept.as_deref().unwrap_or(scratch.path());
    for (name, folder) in all() {
        let text = page::of_folder(folder.path()).unwrap();
        let file = scratch.path().join("page.html");
        for width in [1280, 390] {
            fs::write(&file, measuring(&text, width)).unwrap();
            let mut pictures = Vec::new();
            for (scheme, number) in [("dark", 0), ("light", 1)] {
                let picture = out.join(format!("{name}-{width}-{scheme}.png"));
                let options = [
                    format!("--screenshot={}", picture.display()),
                    format!("--window-size={},2400", width.max(500)),
                    format!("--blink-settings=preferredColorScheme={number}"),
                ];
                let options: Vec<&str> = options.iter().map(String::as_str).collect();
                let (_, log) = open(&chromium, &file, &options);
                pictures.push(fs::read(&picture).unwrap_or_else(|_| panic!("{name}: {log}")));
            }
            assert!(
                pictures[0] != pictures[1],
                "{name} looks alike in both schemes"
            );
            assert!(
                pictures.iter().all(|it| it.len() > 10_000),
                "{name} is blank"
            );
        }
    }
}
