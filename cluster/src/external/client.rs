//! One client's conversation with one node, through a program that knows how to speak to it.
//!
//! Each conversation has a program of its own, so that a client program is as simple as a loop:
//! read a line, do what it says, print a line. One that has not answered when the client goes on
//! to its next operation is ended, and the next operation gets a new one: a hung client never
//! hangs the test.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use polygraph_history::{ErrorName, NodeId, Op};

use super::program::{Speaker, Starter};
use super::programs::{Map, Words};
use super::speech::{Say, answered, opened};
use crate::host::true_time::TrueTime;
use crate::{Occurrence, Reply, RequestId};

/// How many different complaints are kept.
const COMPLAINTS: usize = 10;

/// What client programs do wrong, for people.
#[derive(Clone, Default)]
pub(super) struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    pub(super) fn add(&self, what: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < COMPLAINTS && !all.contains(&what) {
            all.push(what);
        }
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What a conversation needs.
pub(super) struct Partner {
    pub(super) starter: Arc<Starter>,
    pub(super) map: Arc<Map>,
    /// The words that start the program.
    pub(super) words: Words,
    pub(super) log: PathBuf,
    pub(super) client: usize,
    pub(super) node: NodeId,
    pub(super) time: TrueTime,
    pub(super) occur: Sender<Occurrence>,
    pub(super) complaints: Complaints,
}

/// Something that a conversation hears.
enum Heard {
    /// The client wants something.
    Ask(RequestId, Op),
    /// The program of this number has printed a line.
    Line(u64, String),
    /// The program of this number has ended.
    End(u64),
}

/// A conversation that goes on.
pub(super) struct Conversation {
    ask: Option<Sender<Heard>>,
    thread: Option<JoinHandle<()>>,
}

impl Conversation {
    pub(super) fn start(partner: Partner) -> Conversation {
        let (ask, heard) = mpsc::channel();
        let tell = ask.clone();
        let thread = thread::spawn(move || Talk::new(partner, tell).hold(&heard));
        Conversation {
            ask: Some(ask),
            thread: Some(thread),
        }
    }

    pub(super) fn ask(&self, request: RequestId, op: Op) {
        if let Some(ask) = &self.ask {
            let _ = ask.send(Heard::Ask(request, op));
        }
    }

    /// Ends it without waiting.
    pub(super) fn leave(&mut self) {
        if let Some(ask) = self.ask.take() {
            let _ = ask.send(Heard::End(0));
        }
    }

    /// Waits until nothing of it is left.
    pub(super) fn bury(&mut self) {
        self.leave();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A program and what it was asked.
struct Running {
    number: u64,
    speaker: Speaker,
    is_open: bool,
    asked: Option<(RequestId, Op)>,
}

struct Talk {
    partner: Partner,
    tell: Sender<Heard>,
    running: Option<Running>,
    /// How many programs were started.
    started: u64,
}

impl Talk {
    const fn new(partner: Partner, tell: Sender<Heard>) -> Talk {
        Talk {
            partner,
            tell,
            running: None,
            started: 0,
        }
    }

    fn hold(mut self, heard: &Receiver<Heard>) {
        for heard in heard {
            let current = self.running.as_ref().map(|running| running.number);
            match heard {
                Heard::Ask(request, op) => self.ask(request, op),
                Heard::Line(number, line) if current == Some(number) => self.hear(&line),
                Heard::End(0) => break,
                Heard::End(number) if current == Some(number) => self.ended(),
                // Of a program that is no longer spoken to.
                Heard::Line(..) | Heard::End(_) => {}
            }
        }
        if let Some(running) = &mut self.running {
            running.say(&Say::Close {});
        }
    }

    fn ask(&mut self, request: RequestId, op: Op) {
        let is_hung = |running: &Running| running.asked.is_some();
        if self.running.as_ref().is_some_and(is_hung) {
            self.running = None;
        }
        if let Some(running) = &mut self.running {
            running.invoke(request, op);
            return;
        }
        match self.start(request, op) {
            Ok(running) => self.running = Some(running),
            Err(error) => {
                let what = format!("{} cannot be started: {error}", self.partner.words[0]);
                self.partner.complaints.add(what.clone());
                self.partner.tell(request, refused(what));
            }
        }
    }

    /// Starts a program that is to carry out an operation as soon as it is connected.
    fn start(&mut self, request: RequestId, op: Op) -> std::io::Result<Running> {
        let Partner {
            starter,
            map,
            words,
            log,
            client,
            node,
            ..
        } = &self.partner;
        let mut speaker = starter.speaker(words, log)?;
        self.started += 1;
        let number = self.started;
        let stdout = speaker.stdout.take();
        let tell = self.tell.clone();
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|it| BufReader::new(it).lines()) {
                let Ok(line) = line else { break };
                if !line.trim().is_empty() && tell.send(Heard::Line(number, line)).is_err() {
                    return;
                }
            }
            let _ = tell.send(Heard::End(number));
        });
        let mut running = Running {
            number,
            speaker,
            is_open: false,
            asked: Some((request, op)),
        };
        running.say(&Say::Open {
            client: *client,
            node: *node,
            address: map.for_clients(*node),
            addresses: map.addresses(*node),
            settings: map.settings(),
        });
        Ok(running)
    }

    fn hear(&mut self, line: &str) {
        let Some(running) = &mut self.running else {
            return;
        };
        let Some((request, op)) = running.asked.take() else {
            let what = "it says something without being asked".to_owned();
            return self.partner.complain(line, what);
        };
        if !running.is_open {
            match opened(line) {
                Ok(Ok(())) => {
                    running.is_open = true;
                    running.invoke(request, op);
                }
                // Nothing was sent, so that nothing can come of it.
                Ok(Err(why)) => {
                    self.running = None;
                    self.partner.tell(request, refused(why));
                }
                Err(what) => {
                    self.running = None;
                    self.partner.complain(line, what.clone());
                    self.partner.tell(request, refused(what));
                }
            }
            return;
        }
        match answered(line, &op) {
            Ok((id, reply)) if id == request.0 => self.partner.tell(request, reply),
            Ok(_) => {
                running.asked = Some((request, op));
                let what = "the field `id` is not that of the operation asked for".to_owned();
                self.partner.complain(line, what);
            }
            // Whatever it meant, the operation may have taken place.
            Err(what) => {
                self.running = None;
                self.partner.complain(line, what.clone());
                self.partner.tell(request, lost(what));
            }
        }
    }

    /// The program has ended by itself.
    fn ended(&mut self) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        let how = format!("the client program has ended: {}", running.speaker.end());
        if let Some((request, _)) = running.asked {
            let reply = if running.is_open {
                lost(how)
            } else {
                refused(how)
            };
            self.partner.tell(request, reply);
        }
    }
}

impl Running {
    fn say(&mut self, what: &Say<'_>) {
        if let Some(stdin) = &mut self.speaker.stdin {
            // If it no longer listens, its end says so.
            let _ = stdin.write_all(&what.line());
        }
    }

    fn invoke(&mut self, request: RequestId, op: Op) {
        self.say(&Say::Invoke {
            id: request.0,
            op: &op,
        });
        self.asked = Some((request, op));
    }
}

impl Partner {
    fn tell(&self, request: RequestId, reply: Reply) {
        // Nobody listens any more when the world has stopped.
        let _ = self.occur.send(Occurrence {
            time: self.time.now(),
            request,
            reply,
        });
    }

    fn complain(&self, line: &str, what: String) {
        const SHOWN: usize = 200;
        let line: String = line.chars().take(SHOWN).collect();
        self.complaints
            .add(format!("the client program says `{line}`: {what}"));
    }
}

/// Nothing was sent.
fn refused(detail: String) -> Reply {
    Reply::Fail {
        error: ErrorName::REFUSED,
        detail,
    }
}

/// It was sent, and nobody knows what became of it.
fn lost(detail: String) -> Reply {
    Reply::Info {
        error: ErrorName::CONNECTION_LOST,
        detail,
    }
}
