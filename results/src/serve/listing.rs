//! The runs and campaigns of a folder, newest first, and the form by which they are filtered.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use maud::{Markup, html};

use super::path::{encode, value};
use super::{Site, is_live};
use crate::campaign::FILE;
use crate::page::{read_campaign, read_verdict, shell, words};

/// What a list says of a folder.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    name: String,
    kind: &'static str,
    target: String,
    about: String,
    /// The guarantees that it answers, each with its verdict.
    guarantees: Vec<(String, String)>,
    verdict: String,
    tone: &'static str,
    sign: &'static str,
    sentence: String,
}

/// The page of a folder of runs.
pub(super) fn page(site: &Site, folder: &Path, query: &str, nav: &Markup) -> String {
    let all = entries(site, folder);
    let wanted = |name: &str| value(query, name);
    let (target, guarantee, verdict) = (wanted("target"), wanted("guarantee"), wanted("verdict"));
    let shown: Vec<&Entry> =
        all.iter()
            .filter(|entry| target.as_ref().is_none_or(|it| *it == entry.target))
            .filter(|entry| match (&guarantee, &verdict) {
                // With a guarantee the verdict is its own.
                (Some(guarantee), verdict) => entry.guarantees.iter().any(|(name, of)| {
                    name == guarantee && verdict.as_ref().is_none_or(|it| it == of)
                }),
                (None, Some(verdict)) => *verdict == entry.verdict,
                (None, None) => true,
            })
            .collect();
    let options = |of: fn(&Entry) -> Vec<String>| {
        let mut options: Vec<String> = all
            .iter()
            .flat_map(of)
            .filter(|it| !it.is_empty())
            .collect();
        options.sort();
        options.dedup();
        options
    };
    let targets = options(|it| vec![it.target.clone()]);
    let guarantees = options(|it| it.guarantees.iter().map(|(name, _)| name.clone()).collect());
    let verdicts = options(|it| {
        let of = it.guarantees.iter().map(|(_, verdict)| verdict.clone());
        of.chain([it.verdict.clone()]).collect()
    });
    let body = html! {
        (nav)
        section {
            h1 { "Runs" }
            form.filter method="get" action="" {
                (select("target", &targets, target.as_deref()))
                (select("guarantee", &guarantees, guarantee.as_deref()))
                (select("verdict", &verdicts, verdict.as_deref()))
                button type="submit" { "Filter" }
            }
            p.note { (shown.len()) " of " (all.len()) ", newest first." }
            div.scroll { table.runs {
                thead { tr { th { "run" } th { "what" } th { "found" } } }
                tbody {
                    @for entry in &shown {
                        tr {
                            th scope="row" { a href={ (encode(&entry.name)) "/" } { (entry.name) } }
                            td { (entry.kind) @if !entry.about.is_empty() { ": " (entry.about) } }
                            td { span class={ "chip " (entry.tone) } { (entry.sign) @if entry.sentence.is_empty() || entry.verdict == "broken" { " " (entry.verdict) } } " " (entry.sentence) }
                        }
                    }
                }
            } }
        }
    };
    shell::file("Runs", Some(html! {}), &body)
}

fn select(name: &str, options: &[String], chosen: Option<&str>) -> Markup {
    html! {
        label { (name)
            select name=(name) {
                option value="" { "any" }
                @for option in options {
                    option value=(option) selected[chosen == Some(option.as_str())] { (option) }
                }
            }
        }
    }
}

/// All runs and campaigns in a folder, and folders of more, the newest first.
fn entries(site: &Site, folder: &Path) -> Vec<Entry> {
    let Ok(inside) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut entries: Vec<(SystemTime, Entry)> = inside
        .filter_map(Result::ok)
        // Links, such as `latest`, are what they lead to, which is listed itself.
        .filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|it| !it.file_name().to_string_lossy().starts_with('.'))
        .map(|it| entry(site, &it.path()))
        .collect();
    entries.sort_by(|a, b| (&b.0, &b.1.name).cmp(&(&a.0, &a.1.name)));
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// A folder, and when it was last changed.
fn entry(site: &Site, folder: &Path) -> (SystemTime, Entry) {
    let changed = |file: &str| {
        fs::metadata(folder.join(file))
            .and_then(|it| it.modified())
            .ok()
    };
    let decides = [FILE, "verdict.json", "history.jsonl"]
        .iter()
        .find_map(|it| changed(it));
    let own = fs::metadata(folder).and_then(|it| it.modified()).ok();
    let at = decides.or(own).unwrap_or(SystemTime::UNIX_EPOCH);
    let known = site.known.lock().map(|known| known.get(folder).cloned());
    if let Ok(Some((then, entry))) = known
        && then == at
        && !is_live(folder)
    {
        return (at, entry);
    }
    let entry = summary(folder);
    if let Ok(mut known) = site.known.lock() {
        known.insert(folder.to_owned(), (at, entry.clone()));
    }
    (at, entry)
}

fn summary(folder: &Path) -> Entry {
    let name = folder
        .file_name()
        .map_or_else(String::new, |it| it.to_string_lossy().into_owned());
    let mut entry = Entry {
        name,
        kind: "run",
        target: String::new(),
        about: String::new(),
        guarantees: Vec::new(),
        verdict: String::new(),
        tone: "none",
        sign: "–",
        sentence: String::new(),
    };
    if folder.join(FILE).is_file() {
        entry.kind = "campaign";
        match read_campaign(folder) {
            Ok(verdicts) => {
                entry.about = verdicts.name.clone();
                (entry.tone, entry.sign, entry.sentence) =
                    crate::page::campaign_headline(&verdicts);
                entry.verdict = verdicts.verdict;
            }
            Err(error) => broken(&mut entry, &error),
        }
        return entry;
    }
    let has = |file: &str| folder.join(file).exists();
    match read_verdict(folder) {
        Ok(verdict) => {
            let headline = words::headline(&verdict);
            (entry.tone, entry.sign, entry.sentence) =
                (headline.tone, headline.sign, headline.sentence);
            entry.guarantees = verdict
                .guarantees
                .iter()
                .map(|it| (it.name.clone(), it.verdict.clone()))
                .collect();
            let seed = verdict
                .seed
                .map_or(String::new(), |seed| format!(", seed {seed}"));
            entry.target = verdict.target.unwrap_or_default();
            entry.about = format!(
                "{}, {}{seed}",
                entry.target,
                verdict.workload.unwrap_or_default()
            );
            entry.verdict = verdict.verdict;
        }
        Err(_) if is_live(folder) => {
            (entry.tone, entry.sign, entry.verdict) = ("unsure", "▶", "running".to_owned());
        }
        Err(error) if has("verdict.json") => broken(&mut entry, &error),
        Err(_) if has("history.jsonl") => {
            (entry.tone, entry.sign, entry.verdict) = ("unsure", "?", "cut short".to_owned());
            "It ended before it was judged".clone_into(&mut entry.sentence);
        }
        Err(_) if has("spec.toml") => {
            broken(&mut entry, "there is neither a history nor a verdict");
        }
        Err(_) => (entry.kind, entry.verdict) = ("folder", "folder".to_owned()),
    }
    entry
}

fn broken(entry: &mut Entry, why: &str) {
    (entry.tone, entry.sign, entry.verdict) = ("unsure", "!", "broken".to_owned());
    why.clone_into(&mut entry.sentence);
}
