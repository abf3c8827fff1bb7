//! The command line: one file a subcommand.
//!
//! Results go to stdout, progress and errors to stderr. With `--json` stdout is one line, errors
//! included.

mod campaign;
mod check;
mod compare;
mod confirm;
mod cycles;
mod drawing;
mod explain;
mod failure;
mod follow;
mod generate;
mod guard;
mod herald;
mod levels;
mod lint;
mod list;
mod merge;
mod model;
mod new_target;
mod node;
mod outputs;
mod progress;
mod proof;
mod replay;
mod report;
mod serve;
mod signals;
mod size;
mod target_file;
mod test;

use std::panic::{self, AssertUnwindSafe};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::judge::exit;
use failure::Failure;

/// A lie detector for databases: deploys a store, breaks it, and proves what its clients saw.
#[derive(Debug, Parser)]
#[command(name = "polygraph", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Test(test::Arguments),
    Check(check::Arguments),
    Lint(lint::Arguments),
    Confirm(confirm::Arguments),
    Replay(replay::Arguments),
    Report(report::Arguments),
    Serve(serve::Arguments),
    Campaign(Box<campaign::Arguments>),
    Merge(merge::Arguments),
    Compare(compare::Arguments),
    List(list::Arguments),
    Explain(explain::Arguments),
    Generate(generate::Arguments),
    NewTarget(new_target::Arguments),
    #[command(hide = true)]
    Node(node::Arguments),
    #[command(hide = true)]
    Guard(guard::Arguments),
}

/// Runs the program; gives back its exit code.
#[must_use]
pub fn main() -> u8 {
    let json = std::env::args_os().any(|argument| argument == "--json");
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => return Failure::usage(clap_message(&error)).tell(json),
        Err(help) => {
            // A closed pipe is no error.
            let _ = help.print();
            return exit::OK;
        }
    };
    let command = AssertUnwindSafe(|| match arguments.command {
        Command::Test(arguments) => test::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Confirm(arguments) => confirm::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Campaign(arguments) => campaign::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::NewTarget(arguments) => new_target::run(&arguments),
        Command::Node(arguments) => node::run(&arguments),
        Command::Guard(arguments) => guard::run(&arguments),
    });
    match panic::catch_unwind(command) {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => failure.tell(json),
        // The panic's own message is on stderr already.
        Err(_) => Failure::bug("this is a bug of polygraph itself, not a verdict").tell(json),
    }
}

/// The sentence of an error of the command line: one line, without decorations, and with what
/// would be right where the parser does not say it.
fn clap_message(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let sentence = ["\n\nUsage:", "\n\nFor more information"]
        .iter()
        .fold(text.as_str(), |text, end| {
            text.split(end).next().unwrap_or(text)
        });
    let lines = sentence
        .trim_start_matches("error: ")
        .lines()
        .map(str::trim);
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let sentence = lines
        .join(" ")
        .replace(" tip:", "; tip:")
        .replace("invalid digit found in string", "write a whole number");
    let subcommands = || {
        let whole = Arguments::command();
        // Of a subcommand that has some of its own, those.
        let word = std::env::args().nth(1).unwrap_or_default();
        let inner = whole.find_subcommand(&word);
        let command = inner.filter(|inner| inner.has_subcommands());
        let command = command.unwrap_or(&whole);
        let shown = command
            .get_subcommands()
            .filter(|command| !command.is_hide_set());
        shown
            .map(|command| command.get_name().to_owned())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => format!("{sentence}; there are {}", subcommands()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            format!("what is to be done is missing; there are {}", subcommands())
        }
        ErrorKind::UnknownArgument | ErrorKind::MissingRequiredArgument => {
            format!("{sentence}; see `--help`")
        }
        _ => sentence,
    }
}

/// How wide tables may be.
fn width() -> usize {
    console::Term::stdout()
        .size_checked()
        .map_or(140, |(_, columns)| usize::from(columns))
}

/// Writes to stdout; a closed pipe is no error.
fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
