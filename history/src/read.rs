//! The front door: any history that we know, recognised by what is in it.

use std::fmt;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::str::FromStr;

use crate::foreign::{self, Dialect, Keying, Source, Syntax, Token};
use crate::{History, ReadError, jsonl};

/// A format of histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Our own: JSON Lines with a header.
    Polygraph,
    /// Jepsen's operations as EDN maps.
    JepsenEdn,
    /// The same as JSON.
    JepsenJson,
    /// Jepsen's console log, or its `history.txt`.
    JepsenLog,
    /// The key-value logs of Porcupine's test data.
    PorcupineKv,
    /// The texts of fastlin, PolyLin and fptlin.
    Fastlin,
    /// The texts of LiMo.
    Limo,
    /// The text of Plume, PolySI and IsoVista.
    Plume,
    /// The text of AWDIT's tests.
    Awdit,
    /// The JSON of dbcop.
    Dbcop,
    /// The JSON of TimeKiller.
    TimeKiller,
}

/// All formats, each with what it is.
pub const FORMATS: &[(Format, &str)] = &[
    (
        Format::Polygraph,
        "JSON Lines: a header with the spec of the run, then one event a line",
    ),
    (
        Format::JepsenEdn,
        "EDN maps with :process, :type, :f and :value, one after the other or in a vector or list",
    ),
    (
        Format::JepsenJson,
        "JSON objects with the same fields, one after the other or in an array",
    ),
    (
        Format::JepsenLog,
        "lines of process, :type, :f and value: Jepsen's console log or history.txt",
    ),
    (
        Format::PorcupineKv,
        "EDN maps with a :key besides, of get, put and append on strings",
    ),
    (
        Format::Fastlin,
        "`# queue`, then lines of method, value, begin and end, as fastlin, PolyLin and fptlin have",
    ),
    (
        Format::Limo,
        "`# @object atomic-queue`, then lines of calls and returns, as LiMo has",
    ),
    (
        Format::Plume,
        "lines `r(key,value,session,transaction)` and `w(…)`, as Plume, PolySI and IsoVista have",
    ),
    (
        Format::Awdit,
        "lines `r key value` and `w key value`, with `---` between transactions and `===` between \
         sessions, as AWDIT's tests have",
    ),
    (
        Format::Dbcop,
        "JSON of sessions, arrays of transactions with `events` and `committed`, as dbcop has",
    ),
    (
        Format::TimeKiller,
        "a JSON array of transactions with `sid`, `sts`, `cts` and `ops`, as TimeKiller has",
    ),
];

impl Format {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Polygraph => "polygraph",
            Format::JepsenEdn => "jepsen-edn",
            Format::JepsenJson => "jepsen-json",
            Format::JepsenLog => "jepsen-log",
            Format::PorcupineKv => "porcupine-kv",
            Format::Fastlin => "fastlin",
            Format::Limo => "limo",
            Format::Plume => "plume",
            Format::Awdit => "awdit",
            Format::Dbcop => "dbcop",
            Format::TimeKiller => "timekiller",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A format that does not exist; says which do.
impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let format = FORMATS.iter().find(|(format, _)| format.name() == text);
        format
            .map(|(format, _)| *format)
            .ok_or_else(|| format!("there is no format `{text}`; there are {}", names()))
    }
}

fn names() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|(format, _)| format.name()).collect();
    names.join(", ")
}

/// Whether values `[k v]` of a foreign history are a key and its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keyed {
    /// They are if every value is one.
    #[default]
    Auto,
    /// They are; any other value is an error.
    On,
    /// They are values.
    Off,
}

/// How a history is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format; recognised where it is not given.
    pub format: Option<Format>,
    /// What tuples are.
    pub keyed: Keyed,
}

/// A history and how it was read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The history.
    pub history: History,
    /// The format that it was in.
    pub format: Format,
    /// Whether values were taken for tuples of a key and a value.
    pub keyed: bool,
    /// What object the text says that it is about, where it has a line for that: `semaphore`.
    pub object: Option<String>,
}

/// How much of the beginning may decide the format: logs have much before the first operation.
const PREFIX: usize = 1 << 16;

/// Reads a history in one pass. Its memory is that of the events, not of the text.
///
/// # Errors
/// A [`ReadError`] that says what is wrong, where, and what would be right.
pub fn read(mut input: impl Read, options: ReadOptions) -> Result<Reading, ReadError> {
    let mut prefix = Vec::new();
    (&mut input)
        .take(PREFIX as u64)
        .read_to_end(&mut prefix)
        .map_err(|error| ReadError::io((1, 1), &error))?;
    if prefix.iter().all(u8::is_ascii_whitespace) && prefix.len() < PREFIX {
        return Err(ReadError::empty());
    }
    let mut skip = 0;
    if prefix.starts_with(b"\xef\xbb\xbf") {
        skip = 3;
    }
    let format = match options.format {
        Some(format) => format,
        None => recognise(&prefix[skip..], prefix.len() < PREFIX)?,
    };
    let object = match format {
        Format::Fastlin => foreign::fastlin_object(&String::from_utf8_lossy(&prefix[skip..])),
        _ => None,
    };
    let mut start = Cursor::new(prefix);
    start.set_position(skip as u64);
    let input = BufReader::with_capacity(PREFIX, start.chain(input));
    let (history, keyed) = read_as(input, format, options.keyed)?;
    Ok(Reading {
        history,
        format,
        keyed,
        object,
    })
}

fn read_as(
    input: impl BufRead,
    format: Format,
    keyed: Keyed,
) -> Result<(History, bool), ReadError> {
    let dialect = match format {
        Format::Polygraph => return Ok((jsonl::read(input)?, false)),
        Format::JepsenEdn => Dialect::Rows(Syntax::Edn),
        Format::JepsenJson => Dialect::Rows(Syntax::Json),
        Format::JepsenLog => Dialect::Log,
        Format::PorcupineKv => Dialect::PorcupineKv,
        Format::Fastlin => Dialect::Fastlin,
        Format::Limo => Dialect::Limo,
        Format::Plume => Dialect::Plume,
        Format::Awdit => Dialect::Awdit,
        Format::Dbcop => Dialect::Dbcop,
        Format::TimeKiller => Dialect::TimeKiller,
    };
    let keying = match keyed {
        Keyed::Auto => Keying::Undecided,
        Keyed::On => Keying::On,
        Keyed::Off => Keying::Off,
    };
    foreign::read(input, dialect, keying)
}

/// The format of a text by its beginning; `complete` if that is all of it.
fn recognise(prefix: &[u8], complete: bool) -> Result<Format, ReadError> {
    check_text(prefix, complete)?;
    let text = String::from_utf8_lossy(prefix);
    let first = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    if let Some(format) = recognise_comment(first) {
        return Ok(format);
    }
    let line = first.lines().next().unwrap_or_default();
    if foreign::is_plume(line) {
        return Ok(Format::Plume);
    }
    if foreign::is_awdit(line) {
        return Ok(Format::Awdit);
    }
    let inside = first.trim_start_matches(|c: char| c.is_whitespace() || "[(,".contains(c));
    let map = inside.strip_prefix('{').map(str::trim_start);
    match (first.as_bytes().first(), map) {
        (_, Some(map)) if map.starts_with("\"polygraph\"") => Ok(Format::Polygraph),
        (_, Some(map)) if map.starts_with('"') => recognise_json(prefix),
        (_, Some(_)) | (Some(b';' | b'#' | b'('), None) => Ok(recognise_edn(prefix)),
        _ if text.lines().any(is_of_log) => Ok(Format::JepsenLog),
        (Some(b'['), None) => Ok(Format::JepsenEdn),
        (Some(b'{'), _) => Ok(Format::JepsenJson),
        _ => Err(ReadError::at(
            place_of(prefix, first),
            "the beginning is of no format known here",
            format!("one of {}", names()),
        )),
    }
}

/// The format of a text whose comments say what it is about.
fn recognise_comment(text: &str) -> Option<Format> {
    let mut comments = (text.lines().map(str::trim)).take_while(|line| line.starts_with('#'));
    if comments.clone().any(foreign::is_limo) {
        return Some(Format::Limo);
    }
    let first = comments.next().filter(|line| foreign::is_fastlin(line));
    first.map(|_| Format::Fastlin)
}

/// An operation's line, or another of Jepsen's: a run may have ended before its first operation.
fn is_of_log(line: &str) -> bool {
    line.starts_with("INFO  jepsen.") || foreign::parse_log_line(line).is_some()
}

/// The line and column at which `rest`, the end of a text, begins.
fn place_of(text: &[u8], rest: &str) -> (usize, usize) {
    let before = &text[..text.len().saturating_sub(rest.len())];
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let column = before
        .iter()
        .rev()
        .take_while(|&&byte| byte != b'\n')
        .count()
        + 1;
    (line, column)
}

/// Refuses archives and other bytes that are not text, by name where that is known.
fn check_text(prefix: &[u8], complete: bool) -> Result<(), ReadError> {
    const PACKED: &[(&[u8], &str)] = &[
        (b"\x1f\x8b", "a gzip archive"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\xfd7zXZ", "an xz archive"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\xff\xfe", "text in UTF-16"),
        (b"\xfe\xff", "text in UTF-16"),
    ];
    if let Some((_, what)) = PACKED.iter().find(|(magic, _)| prefix.starts_with(magic)) {
        let problem = format!("the file is {what}");
        return Err(ReadError::at(
            (1, 1),
            problem,
            "the history itself, in UTF-8",
        ));
    }
    let valid = match std::str::from_utf8(prefix) {
        Ok(_) => prefix.len(),
        // A character may be cut where the prefix ends.
        Err(error) if error.error_len().is_none() && !complete => prefix.len(),
        Err(error) => error.valid_up_to(),
    };
    // A torn last line may end in anything: its format's reader decides.
    let nul = prefix.iter().position(|&byte| byte == 0);
    let bad = nul.unwrap_or(usize::MAX).min(valid);
    if bad < prefix.len() && !prefix[..bad].contains(&b'\n') {
        let problem = format!("byte {:#04x} is not text", prefix[bad]);
        return Err(ReadError::at((1, bad + 1), problem, "a history in UTF-8"));
    }
    Ok(())
}

/// Ours or Jepsen's, by the keys of the first object.
fn recognise_json(prefix: &[u8]) -> Result<Format, ReadError> {
    let keys = first_keys(prefix, Syntax::Json);
    let has = |name: &str| keys.iter().any(|key| key == name);
    if has("polygraph") {
        return Ok(Format::Polygraph);
    }
    if has("type") && (has("op") || has("fault")) {
        return Err(ReadError {
            field: Some("polygraph".to_owned()),
            ..ReadError::at(
                (1, 1),
                "the history has no header",
                "a first line like {\"polygraph\":1,\"spec\":{…}}",
            )
        });
    }
    if has("sid") && has("ops") {
        return Ok(Format::TimeKiller);
    }
    if !has("type") && foreign::is_dbcop(&String::from_utf8_lossy(prefix)) {
        return Ok(Format::Dbcop);
    }
    Ok(Format::JepsenJson)
}

/// Jepsen's or Porcupine's, by the keys of the first map.
fn recognise_edn(prefix: &[u8]) -> Format {
    let keys = first_keys(prefix, Syntax::Edn);
    match keys.iter().any(|key| key == "key") {
        true => Format::PorcupineKv,
        false => Format::JepsenEdn,
    }
}

/// The keys of the first map; none if it is not whole.
fn first_keys(prefix: &[u8], syntax: Syntax) -> Vec<String> {
    let mut keys = Vec::new();
    // What comes behind the first map, and that the prefix may be cut, does not matter here.
    let _ = Source::new(prefix, syntax).for_each(|form, _| {
        let map = form.tagged().unwrap_or(form);
        if keys.is_empty() && map.token() == Token::Map {
            let names = map.children().step_by(2).filter_map(|key| key.name());
            keys.extend(names.map(|name| name.into_owned()));
        }
        Ok(())
    });
    keys
}
