//! From the text of a target file to a target: every name resolved, every place filled in.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use polygraph_cluster::external::{Nodes, Programs, Started, Words};
use polygraph_history::settings::{Accepts, Knob, Settings};
use polygraph_history::{Bound, FaultKind, Guarantee, OpKind, ReadError, parse_duration};
use toml::Spanned;

use super::text::{self, Reads, Text};
use super::{FileTarget, When};
use crate::{Claim, ErrorRow, Faults, Stance};

/// How long a node may take to be ready unless told otherwise.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// How many nodes there are unless told otherwise.
const COUNT: usize = 1;

pub(super) fn read(source: &str, path: &Path) -> Result<FileTarget, ReadError> {
    let reader = Reader { source };
    let text: Text = toml::from_str(source).map_err(|error| {
        let at = error.span().unwrap_or_default();
        let problem = error.message().replace('\n', ", ");
        reader.error(&at, None, problem, "")
    })?;
    let knobs = reader.knobs(&text)?;
    let settings = Settings::defaults(knobs);
    let claims = text.claims.iter().map(|claim| reader.claim(claim, knobs));
    let claims = claims.collect::<Result<_, _>>()?;
    let nodes = text.nodes.get_ref();
    let programs = Programs {
        folder: folder_of(path),
        nodes: reader.nodes(&text.nodes)?,
        leads: nodes
            .leads
            .as_ref()
            .map(|words| reader.words("nodes.leads", words))
            .transpose()?,
        client: reader.words("client.command", &text.client.command)?,
    };
    programs.check(&settings).map_err(|error| {
        // The text stands in the file as it is, if nothing in it was escaped.
        let at = source.find(&error.text).unwrap_or_default();
        reader.error(&(at..at), None, error.to_string(), "")
    })?;
    let count = match &programs.nodes {
        Nodes::Running(addresses) => addresses.len(),
        Nodes::Started(_) => nodes.count.as_ref().map_or(COUNT, |count| *count.get_ref()),
    };
    if count == 0 {
        let at = nodes.count.as_ref().map_or(0..0, Spanned::span);
        return Err(reader.error(&at, Some("nodes.count"), "there is no node", "1 or more"));
    }
    Ok(FileTarget {
        name: leak(reader.name(&text.name)?),
        about: leak(text.about.clone()),
        knobs,
        errors: text.errors.iter().map(error_row).collect::<Vec<_>>().leak(),
        supports: reader.operations(&text.operations)?.leak(),
        reads_anywhere: text.reads == Reads::Any,
        count,
        programs,
        claims,
        text: source.to_owned(),
        path: path.to_owned(),
    })
}

/// The folder in which a file is, wherever this program is.
fn folder_of(path: &Path) -> PathBuf {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// What a target says of itself lives as long as the program; a program reads few targets.
fn leak(text: String) -> &'static str {
    text.leak()
}

fn error_row(row: &text::Error) -> ErrorRow {
    ErrorRow {
        error: leak(row.error.clone()),
        outcome: match row.outcome {
            text::Outcome::Fail => "fail",
            text::Outcome::Info => "info",
        },
        why: leak(row.why.clone()),
    }
}

/// Whether a name is written as names are on the command line.
fn is_kebab(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.bytes().all(plain) && name.starts_with(|first: char| first.is_ascii_lowercase())
}

/// Knows where in the file something is.
struct Reader<'a> {
    source: &'a str,
}

impl Reader<'_> {
    fn error(
        &self,
        at: &Range<usize>,
        field: Option<&str>,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> ReadError {
        let before = self.source.get(..at.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        ReadError {
            line: before.matches('\n').count() + 1,
            column: before.len() - line_start + 1,
            field: field.map(str::to_owned),
            problem: problem.into(),
            expected: expected.into(),
        }
    }

    /// The same, of something whose place is known.
    fn wrong<T>(
        &self,
        what: &Spanned<T>,
        field: &str,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> ReadError {
        self.error(&what.span(), Some(field), problem, expected)
    }

    fn name(&self, name: &Spanned<String>) -> Result<String, ReadError> {
        let text = name.get_ref();
        let taken = crate::TARGETS.iter().any(|target| target.name() == text);
        match (is_kebab(text), taken) {
            (true, false) => Ok(text.clone()),
            (true, true) => Err(self.wrong(
                name,
                "name",
                format!("`{text}` is a built-in target"),
                "another name",
            )),
            (false, _) => Err(self.wrong(
                name,
                "name",
                format!("`{text}` is no name"),
                "lower-case letters, digits and hyphens, beginning with a letter",
            )),
        }
    }

    fn operations(&self, names: &[Spanned<String>]) -> Result<Vec<OpKind>, ReadError> {
        let kind = |name: &Spanned<String>| {
            let known = OpKind::ALL
                .iter()
                .find(|kind| kind.name() == name.get_ref());
            known.copied().ok_or_else(|| {
                let names: Vec<_> = OpKind::ALL.iter().map(|kind| kind.name()).collect();
                let problem = format!("there is no operation `{}`", name.get_ref());
                self.wrong(name, "operations", problem, names.join(", "))
            })
        };
        names.iter().map(kind).collect()
    }

    fn words(&self, field: &str, words: &Spanned<Vec<String>>) -> Result<Words, ReadError> {
        match words.get_ref().is_empty() {
            false => Ok(words.get_ref().clone()),
            true => Err(self.wrong(words, field, "it is empty", "a program and its arguments")),
        }
    }

    fn nodes(&self, nodes: &Spanned<text::Nodes>) -> Result<Nodes, ReadError> {
        let place = nodes;
        let nodes = nodes.get_ref();
        let Some(start) = &nodes.start else {
            return self.running(place);
        };
        if let Some(running) = &nodes.running {
            let problem = "nodes are started, or run already";
            return Err(self.wrong(
                running,
                "nodes.running",
                problem,
                "one of `start` and `running`",
            ));
        }
        for port in &nodes.ports {
            if !is_kebab(port.get_ref()) {
                let problem = format!("`{}` is no name of a port", port.get_ref());
                return Err(self.wrong(port, "nodes.ports", problem, "a name like `client`"));
            }
        }
        if nodes.ports.is_empty() {
            return Err(self.wrong(
                place,
                "nodes.ports",
                "no port is named",
                "the names of the ports that a node gets, the one for clients first",
            ));
        }
        let ports: Vec<_> = nodes
            .ports
            .iter()
            .map(|port| port.get_ref().clone())
            .collect();
        if let Some(links) = &nodes.links
            && !ports.contains(links.get_ref())
        {
            let problem = format!("there is no port `{}`", links.get_ref());
            return Err(self.wrong(links, "nodes.links", problem, ports.join(", ")));
        }
        let ready = |words| self.words("nodes.ready", words);
        Ok(Nodes::Started(Started {
            start: self.words("nodes.start", start)?,
            ports,
            links: nodes.links.as_ref().map(|links| links.get_ref().clone()),
            ready: nodes.ready.as_ref().map(ready).transpose()?,
            ready_within: match &nodes.ready_within {
                None => READY_WITHIN,
                Some(text) => parse_duration(text.get_ref()).map_err(|_| {
                    let problem = format!("`{}` is no duration", text.get_ref());
                    self.wrong(text, "nodes.ready-within", problem, "one like 10s")
                })?,
            },
        }))
    }

    /// Nodes that run already, of which nothing else is said.
    fn running(&self, place: &Spanned<text::Nodes>) -> Result<Nodes, ReadError> {
        let nodes = place.get_ref();
        let Some(running) = &nodes.running else {
            return Err(self.wrong(
                place,
                "nodes",
                "nothing says where the nodes are",
                "`start`, the command of a node, or `running`, the addresses of those that run",
            ));
        };
        let of_started = [
            ("nodes.count", nodes.count.as_ref().map(Spanned::span)),
            ("nodes.ports", nodes.ports.first().map(Spanned::span)),
            ("nodes.links", nodes.links.as_ref().map(Spanned::span)),
            ("nodes.ready", nodes.ready.as_ref().map(Spanned::span)),
            (
                "nodes.ready-within",
                nodes.ready_within.as_ref().map(Spanned::span),
            ),
        ];
        for (field, at) in of_started {
            if let Some(at) = at {
                let problem = "this is said of nodes that are started, and these run already";
                return Err(self.error(&at, Some(field), problem, "nothing"));
            }
        }
        match running.get_ref().is_empty() {
            false => Ok(Nodes::Running(running.get_ref().clone())),
            true => Err(self.wrong(
                running,
                "nodes.running",
                "there is no node",
                "an address a node",
            )),
        }
    }

    fn knobs(&self, text: &Text) -> Result<&'static [Knob], ReadError> {
        let mut knobs = Vec::new();
        for (key, setting) in &text.settings {
            if !is_kebab(key.get_ref()) {
                let problem = format!("`{}` is no name of a setting", key.get_ref());
                return Err(self.wrong(key, "settings", problem, "a name like `sync-every`"));
            }
            let field = format!("settings.{}", key.get_ref());
            let knob = Knob {
                key: leak(key.get_ref().clone()),
                accepts: self.accepts(&field, &setting.accepts)?,
                default: leak(setting.default.get_ref().text()),
                about: leak(setting.about.clone()),
            };
            let accepts = Settings::default().set(&[knob], knob.key, knob.default);
            accepts.map_err(|problem| self.wrong(&setting.default, &field, problem, ""))?;
            knobs.push(knob);
        }
        Ok(knobs.leak())
    }

    fn accepts(&self, field: &str, accepts: &Spanned<text::Accepts>) -> Result<Accepts, ReadError> {
        let words = |words: &[String]| -> &'static [&'static str] {
            let words = words.iter().map(|word| leak(word.clone()));
            words.collect::<Vec<_>>().leak()
        };
        Ok(match accepts.get_ref() {
            text::Accepts::Words(all) if !all.is_empty() => Accepts::Word(words(all)),
            &text::Accepts::Range { from, to } if from <= to => Accepts::Integer(from, to),
            text::Accepts::Type(name) if name == "duration" => Accepts::Duration,
            text::Accepts::Type(name) if name == "ratio" => Accepts::Ratio,
            text::Accepts::Type(name) if name == "switch" => Accepts::Switch,
            _ => {
                return Err(self.wrong(
                    accepts,
                    field,
                    "nothing is accepted",
                    "a list of words, { from = 1, to = 9 }, \"duration\", \"ratio\" or \"switch\"",
                ));
            }
        })
    }

    fn claim(&self, claim: &text::Claim, knobs: &[Knob]) -> Result<When, ReadError> {
        let (name, measure) = match claim.guarantee.get_ref().split_once('=') {
            Some((name, measure)) => (name, Some(measure)),
            None => (claim.guarantee.get_ref().as_str(), None),
        };
        let guarantee: Guarantee = name.parse().map_err(|_| {
            let problem = format!("there is no guarantee `{name}`");
            let expected = "one of `polygraph list guarantees`";
            self.wrong(&claim.guarantee, "claims.guarantee", problem, expected)
        })?;
        let bound = measure.map(|measure| Bound::parse(guarantee, measure));
        let bound = bound
            .transpose()
            .map_err(|problem| self.wrong(&claim.guarantee, "claims.guarantee", problem, ""))?;
        let kinds: &'static [FaultKind] = match &claim.faults {
            None => FaultKind::ALL,
            Some(names) => {
                let kinds = names.iter().map(|name| self.fault(name));
                kinds.collect::<Result<Vec<_>, _>>()?.leak()
            }
        };
        let mut settings = Vec::new();
        for (key, value) in &claim.when {
            let mut set = Settings::default();
            let text = value.get_ref().text();
            set.set(knobs, key.get_ref(), &text).map_err(|problem| {
                self.wrong(key, "claims.when", problem, "a setting of this file")
            })?;
            settings.extend(
                set.iter()
                    .map(|(key, value)| (key.to_owned(), value.to_string())),
            );
        }
        Ok(When {
            settings,
            claim: Claim {
                guarantee,
                bound,
                stance: match claim.stance {
                    text::Stance::Holds => Stance::Holds,
                    text::Stance::Broken => Stance::Broken,
                },
                faults: Faults::of(kinds),
                world: None,
                row: "",
                why: leak(claim.why.clone()),
            },
        })
    }

    fn fault(&self, name: &Spanned<String>) -> Result<FaultKind, ReadError> {
        let known = FaultKind::ALL
            .iter()
            .find(|kind| kind.name() == name.get_ref());
        known.copied().ok_or_else(|| {
            let names: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.name()).collect();
            let problem = format!("there is no kind of fault `{}`", name.get_ref());
            self.wrong(name, "claims.faults", problem, names.join(", "))
        })
    }
}
